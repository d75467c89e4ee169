using System.Diagnostics;
using System.Text.Json.Nodes;
using JobPlatform.Core.Database;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Handlers.Purging;

/// <summary>
/// Deletes rows in batches, each its own short transaction: an interrupted purge keeps what it did, and the next goes
/// on. One that would delete many times what the job usually does stops before the first row. Thread-safe.
/// </summary>
public sealed partial class Purger(PlatformDatabase platform)
{
    /// <summary>Deletes what is due in all tables, one after another; in a dry run it only counts.</summary>
    /// <returns>
    /// <c>{"deleted": 12}</c>, with a count for each table where there are several; in a dry run
    /// <c>{"dry_run": true, "would_delete": …}</c>; or a safety stop with the count.
    /// </returns>
    public async Task<RunOutcome> RunAsync(PurgeConfig config, RunContext run, CancellationToken cancellation, params IReadOnlyList<Purge> purges)
    {
        var counts = new long[purges.Count];
        for (var i = 0; i < counts.Length; i++)
        {
            await using var connection = await purges[i].Source.OpenConnectionAsync(cancellation);
            // max_rows is the run's: what one table uses up is no longer there for the next.
            counts[i] = Math.Min(await purges[i].CountAsync(connection, cancellation), (config.MaxRows ?? long.MaxValue) - counts.Sum());
        }
        if (config.DryRun)
        {
            var due = PerTable(purges, counts);
            return RunOutcome.Success(new { dry_run = true, would_delete = due.Count == 1 ? JsonValue.Create(counts.Sum()) : (JsonNode)due });
        }
        if (await FindSafetyStopAsync(config, run, counts.Sum(), cancellation) is { } stop) return stop;

        var deleted = new long[purges.Count];
        for (var i = 0; i < counts.Length; i++)
            if (counts[i] > 0)
                deleted[i] = await DeleteAsync(purges[i], config, (config.MaxRows ?? long.MaxValue) - deleted.Sum(), deleted.Sum(), counts.Sum(), run, cancellation);
        var output = PerTable(purges, deleted);
        if (output.Count == 1) output.Clear();
        output.Insert(0, "deleted", deleted.Sum());
        return RunOutcome.Success(output);
    }

    /// <summary>The stop of a run that is about to delete many times what its job usually does; null when it may go on.</summary>
    /// <param name="config">The factor, and below which number it never stops.</param>
    /// <param name="run">The run; <c>"confirm": true</c> in its payload lets it go on.</param>
    /// <param name="due">How many it is about to delete.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<RunOutcome?> FindSafetyStopAsync(PurgeConfig config, RunContext run, long due, CancellationToken cancellation)
    {
        if (config.SafetyFactor is not { } factor || due <= config.SafetyRows || run.IsConfirmed) return null;
        var usual = await PurgeHistory.FindUsualAsync(platform, run.JobId, cancellation);
        if (usual is null || due <= usual * factor) return null;
        LogSafetyStop(run.Logger, due, Math.Round(usual.Value), run.JobName);
        return RunOutcome.StopForSafety(new { would_delete = due, usual = Math.Round(usual.Value), safety_factor = factor, go_on_with = new { confirm = true } });
    }

    private static async Task<long> DeleteAsync(
        Purge purge, PurgeConfig config, long left, long before, long due, RunContext run, CancellationToken cancellation)
    {
        await using var connection = await purge.Source.OpenConnectionAsync(cancellation);
        var pace = new PurgePace(config.BatchSize);
        var (deleted, position) = (0L, PurgePosition.Start);
        while (left > deleted)
        {
            cancellation.ThrowIfCancellationRequested();
            var limit = (int)Math.Min(pace.Rows, left - deleted);
            var start = Stopwatch.GetTimestamp();
            var batch = await purge.DeleteAsync(connection, position, limit, cancellation);
            pace.Learn(limit, Stopwatch.GetElapsedTime(start), batch.SomebodyWaits);
            deleted += batch.Deleted;
            position = batch.Until;
            run.ReportProgress(before + deleted, Math.Max(due, before + deleted), $"{purge.Name}: {deleted:N0} rows deleted");
            if (batch.IsLast) break;
            // Real time, not the run's clock: the load that it yields to is real.
            await Task.Delay(pace.Rest, TimeProvider.System, cancellation);
        }
        LogDeleted(run.Logger, purge.Name, deleted, purge.Before);
        return deleted;
    }

    private static JsonObject PerTable(IReadOnlyList<Purge> purges, long[] counts)
    {
        var perTable = new JsonObject();
        // A table may be purged for more than one reason.
        foreach (var (purge, count) in purges.Zip(counts)) perTable[purge.Name] = count + (perTable[purge.Name]?.GetValue<long>() ?? 0);
        return perTable;
    }

    [LoggerMessage(1301, LogLevel.Information, "{Table}: {Deleted} rows older than {Before:yyyy-MM-dd HH:mm:ss} UTC deleted")]
    private static partial void LogDeleted(ILogger logger, string table, long deleted, DateTimeOffset before);

    [LoggerMessage(1302, LogLevel.Warning,
        "Stopped before the first row: {Due} are due, and usually it deletes {Usual}. If that is right, run it once with the payload {{\"confirm\": true}}: jobplatform jobs run {Job} --payload '{{\"confirm\": true}}'")]
    private static partial void LogSafetyStop(ILogger logger, long due, double usual, string job);
}
