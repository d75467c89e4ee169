using System.Net.Sockets;
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
    /// <param name="concurrency">Handlers at once: the pool has a connection for each, unless the string sets its size.</param>
    public PlatformDatabase(string connectionString, string applicationName = "jobplatform", int concurrency = 0)
    {
        var settings = Pool.Describe(connectionString, applicationName, concurrency);
        settings.Timezone ??= "UTC";
        // The platform leaves nothing on a connection (its settings and locks end with their transaction), and the reset
        // would be a transaction more for each use: measured, half of all that an idle process makes.
        settings.NoResetOnClose = true;
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

/// <summary>How the connection pools are set where the operator's connection string does not say it.</summary>
internal static class Pool
{
    private const int LongestName = 63;
    // Claims, endings, schedules, the journal and the API, beside the handlers.
    private const int Others = 20;

    public static NpgsqlConnectionStringBuilder Describe(string connectionString, string applicationName, int concurrency)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = applicationName.Length <= LongestName ? applicationName : applicationName[..LongestName],
        };
        // The statements are few and run for ever; preparing them halves their cost on the server.
        if (!settings.ShouldSerialize("Max Auto Prepare")) settings.MaxAutoPrepare = 50;
        if (!settings.ShouldSerialize("Auto Prepare Min Usages")) settings.AutoPrepareMinUsages = 2;
        if (!settings.ShouldSerialize("Maximum Pool Size")) settings.MaxPoolSize = Math.Max(settings.MaxPoolSize, concurrency + Others);
        return settings;
    }
}

/// <summary>
/// The application's database, whose tables the handlers work on (<c>ConnectionStrings:App</c>; by default the
/// platform's own). Thread-safe.
/// </summary>
/// <param name="connectionString">An Npgsql connection string.</param>
/// <param name="concurrency">As for <see cref="PlatformDatabase"/>.</param>
public sealed class AppDatabase(string connectionString, int concurrency = 0) : IAsyncDisposable
{
    /// <summary>The pool.</summary>
    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(Pool.Describe(connectionString, "jobplatform-handlers", concurrency));

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

    /// <summary>The same for who looks at many things: that the database does not answer is one more finding.</summary>
    /// <returns>What is missing, nothing where the database does not answer; and then a sentence that says so.</returns>
    public async Task<(IReadOnlySet<string> Missing, string? Fault)> LookForAsync(IEnumerable<string> tables, CancellationToken cancellation)
    {
        try
        {
            return ((await FindMissingAsync(tables.ToHashSet(), cancellation)).ToHashSet(), null);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or SocketException)
        {
            return (new HashSet<string>(), $"The application's database (ConnectionStrings__App) does not answer: {e.Message.TrimEnd('.')}.");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
