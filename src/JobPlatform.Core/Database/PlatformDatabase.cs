using System.Text.Json;
using Dapper;
using Npgsql;

namespace JobPlatform.Core.Database;

/// <summary>
/// The platform's own database (schema <c>jobplatform</c>): one connection pool a process. Thread-safe.
/// </summary>
public sealed class PlatformDatabase : IAsyncDisposable
{
    private readonly string _aside;

    static PlatformDatabase()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.AddTypeHandler(new DateTimeOffsetHandler());
        SqlMapper.AddTypeHandler(new JsonElementHandler());
    }

    /// <param name="connectionString">An Npgsql connection string.</param>
    /// <param name="applicationName">What <c>pg_stat_activity</c> shows; tells machine and role.</param>
    public PlatformDatabase(string connectionString, string applicationName = "jobplatform")
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = applicationName.Length <= 63 ? applicationName : applicationName[..63],
            // The statements are few and run for ever; preparing them halves their cost on the server.
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 2,
        };
        settings.Timezone ??= "UTC";
        Source = NpgsqlDataSource.Create(settings);
        settings.Pooling = false;
        settings.KeepAlive = 10;
        _aside = settings.ConnectionString;
    }

    /// <summary>The pool.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>An open connection from the pool; dispose it to give it back.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellation = default) =>
        Source.OpenConnectionAsync(cancellation);

    /// <summary>
    /// A connection outside the pool, to be kept for long: it says something every 10 s, as one that only listens would
    /// not notice that it is dead.
    /// </summary>
    public async Task<NpgsqlConnection> OpenAsideAsync(CancellationToken cancellation = default)
    {
        var connection = new NpgsqlConnection(_aside);
        try
        {
            await connection.OpenAsync(cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Source.DisposeAsync();

    private sealed class DateTimeOffsetHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override DateTimeOffset Parse(object value) =>
            value is DateTimeOffset offset ? offset : new DateTimeOffset((DateTime)value, TimeSpan.Zero);

        public override void SetValue(System.Data.IDbDataParameter parameter, DateTimeOffset value) =>
            parameter.Value = value.ToUniversalTime();
    }

    private sealed class JsonElementHandler : SqlMapper.TypeHandler<JsonElement>
    {
        // Rows that were written by SQL may be nested deeper than the API allows.
        public override JsonElement Parse(object value) => JsonElement.Parse((string)value, new JsonDocumentOptions { MaxDepth = 1000 });

        public override void SetValue(System.Data.IDbDataParameter parameter, JsonElement value)
        {
            parameter.Value = value.GetRawText();
            ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Jsonb;
        }
    }
}

/// <summary>
/// The application's database, whose tables the handlers work on (<c>ConnectionStrings:App</c>; by default the
/// platform's own). Thread-safe.
/// </summary>
public sealed class AppDatabase(string connectionString) : IAsyncDisposable
{
    /// <summary>The pool.</summary>
    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = "jobplatform-handlers", MaxAutoPrepare = 20 });

    /// <summary>An open connection from the pool; dispose it to give it back.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellation = default) =>
        Source.OpenConnectionAsync(cancellation);

    /// <summary>Which of <paramref name="tables"/> (<c>schema.table</c>) are missing or may not be read, in their order.</summary>
    public async Task<IReadOnlyList<string>> FindMissingAsync(IReadOnlyCollection<string> tables, CancellationToken cancellation)
    {
        if (tables.Count == 0) return [];
        await using var connection = await OpenAsync(cancellation);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT t FROM unnest(@tables) WITH ORDINALITY AS u(t, n) WHERE to_regclass(t) IS NULL ORDER BY n",
            new { tables = tables.ToArray() }, cancellationToken: cancellation))).AsList();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
