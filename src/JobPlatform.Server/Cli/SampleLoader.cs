using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace JobPlatform.Server.Cli;

/// <summary>
/// Fills an empty database with the sample application: <c>schema.sql</c>, then <c>data.sql</c>, step by step.
/// </summary>
/// <remarks>
/// Each step is one transaction that also counts itself in <c>public.sample_info</c>. An interrupted load therefore
/// goes on after its last finished step, and a second load finds nothing to do. An instance keeps no state; of loads
/// that run at the same time, in any process, one does each step and the others wait for it.
/// </remarks>
/// <param name="dataSource">The application's database, as a user that may create tables in <c>public</c>.</param>
/// <param name="folder">The folder that holds <c>schema.sql</c> and <c>data.sql</c>.</param>
/// <param name="progress">Gets one line for each step, before it starts.</param>
public sealed partial class SampleLoader(NpgsqlDataSource dataSource, string folder, TextWriter progress)
{
    // Any number that nobody else locks in this database: the letters of "sample".
    private const long LockKey = 0x73616D706C65;

    /// <summary>Loads what is missing.</summary>
    /// <param name="scale">
    /// Size of the data, above 0 and at most 100; 1 is 10,000 users. A load that goes on keeps the scale it began with.
    /// </param>
    /// <param name="cancellationToken">Ends the load; the step under way is rolled back.</param>
    /// <returns>False when the sample was there already, complete.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is out of range.</exception>
    /// <exception cref="SampleRefusedException">
    /// <c>public</c> has tables that are not the sample's. Nothing was changed.
    /// </exception>
    public async Task<bool> LoadAsync(decimal scale, CancellationToken cancellationToken)
    {
        if (scale is <= 0 or > 100)
            throw new ArgumentOutOfRangeException(nameof(scale), scale, "The scale must be above 0 and at most 100.");
        var steps = await ReadStepsAsync("schema.sql", cancellationToken);
        steps.AddRange(await ReadStepsAsync("data.sql", cancellationToken));

        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var (stepsDone, usedScale, isLoaded) = await BeginAsync(connection, scale, cancellationToken);
        if (isLoaded)
            return false;
        if (stepsDone > 0)
            progress.WriteLine($"Going on with the load that was interrupted, at scale {usedScale}");

        for (var done = stepsDone; done < steps.Count; done++)
        {
            progress.WriteLine($"Loading {steps[done].Announce(usedScale)}");
            await RunAsync(connection, steps[done].Sql, done, usedScale, cancellationToken);
        }

        progress.WriteLine("Collecting statistics for the query planner");
        await ExecuteAsync(connection, "ANALYZE", cancellationToken);
        await ExecuteAsync(connection, "UPDATE public.sample_info SET loaded_at = now()", cancellationToken);
        return true;
    }

    private static async Task<(int StepsDone, decimal Scale, bool IsLoaded)> BeginAsync(
        NpgsqlConnection connection, decimal scale, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({LockKey})", cancellationToken);
        var tables = await ReadTablesAsync(connection, cancellationToken);
        // Nothing of the sample exists before sample_info does, so without it any table is somebody's application.
        if (tables.Count > 0 && !tables.Contains("sample_info"))
        {
            throw new SampleRefusedException(
                $"The schema public already has tables that are not the sample's, such as {tables[0]}: sample data is "
                + "only loaded into an empty database. A real application needs none; to try the sample beside it, create "
                + "a database and name it in ConnectionStrings__App.");
        }

        if (tables.Count == 0)
        {
            await using var create = new NpgsqlCommand(
                """
                CREATE TABLE public.sample_info (
                    scale numeric NOT NULL, steps_done integer NOT NULL, loaded_at timestamptz);
                COMMENT ON TABLE public.sample_info IS 'Says that this database holds generated data. One row.';
                COMMENT ON COLUMN public.sample_info.scale IS 'Size of the data; 1 is 10,000 users.';
                COMMENT ON COLUMN public.sample_info.steps_done IS 'Committed steps of schema.sql and data.sql.';
                COMMENT ON COLUMN public.sample_info.loaded_at IS 'When the load was complete; null before.';
                """, connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
            await using var insert = new NpgsqlCommand("INSERT INTO public.sample_info VALUES ($1, 0)", connection);
            insert.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = scale });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        var info = await ReadInfoAsync(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return info;
    }

    private static async Task<List<string>> ReadTablesAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var names = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
            names.Add(reader.GetString(0));
        return names;
    }

    private static async Task<(int StepsDone, decimal Scale, bool IsLoaded)> ReadInfoAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT steps_done, scale, loaded_at IS NOT NULL FROM public.sample_info", connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return (row.GetInt32(0), row.GetDecimal(1), row.GetBoolean(2));
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string sql, int stepsDone, decimal scale, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Counted first: the row's lock makes another loader wait, and then it finds the step done.
        await using var claim = new NpgsqlCommand(
            "UPDATE public.sample_info SET steps_done = $1 + 1 WHERE steps_done = $1", connection);
        claim.CommandTimeout = 0;
        claim.Parameters.Add(new NpgsqlParameter<int> { TypedValue = stepsDone });
        if (await claim.ExecuteNonQueryAsync(cancellationToken) == 0)
            return;
        var scaleText = scale.ToString(CultureInfo.InvariantCulture);
        await ExecuteAsync(connection, $"SET LOCAL sample.scale = '{scaleText}'", cancellationToken);
        await ExecuteAsync(connection, sql, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // No time limit: a step takes as long as the scale asks for; cancellation ends it.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<Step>> ReadStepsAsync(string file, CancellationToken cancellationToken)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(folder, file), cancellationToken);
        // Split puts the titles, which the pattern captures, between the texts; the first text is the file's heading.
        var parts = StepLine().Split(text);
        return [.. parts.Skip(1).Chunk(2).Select(step => new Step(step[0], step[1]))];
    }

    [GeneratedRegex(@"^-- step: (.+)$", RegexOptions.Multiline)]
    private static partial Regex StepLine();

    private sealed partial record Step(string Title, string Sql)
    {
        public string Announce(decimal scale) => ScaledNumber().Replace(Title, number =>
        {
            var atScaleOne = decimal.Parse(number.Groups[1].Value, CultureInfo.InvariantCulture);
            var rows = Math.Max(1, Math.Round(atScaleOne * scale, MidpointRounding.AwayFromZero));
            return rows.ToString("N0", CultureInfo.InvariantCulture);
        });

        [GeneratedRegex(@"\{(\d+)\}")]
        private static partial Regex ScaledNumber();
    }
}

/// <summary>The database is not one that sample data may be loaded into; the message says why and what to do.</summary>
/// <param name="message">A sentence for the operator.</param>
public sealed class SampleRefusedException(string message) : Exception(message);
