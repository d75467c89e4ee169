using System.Globalization;
using System.Text.Json;
using Dapper;
using JobPlatform.Core.Alerts;
using JobPlatform.Core.Database;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Notifications;

/// <summary>
/// Tells the admins that a job with <c>notify_on_failure</c> fails, at most once an hour, and that it works again. It looks
/// at the jobs' statistics, so that a failure counts whichever engine, node or crash it came by; what it told is committed
/// with the mail, so that of several nodes one tells it, once.
/// </summary>
/// <param name="database">The platform's database.</param>
/// <param name="notifier">Writes the mails.</param>
/// <param name="clock">The clock.</param>
/// <param name="publicUrl">The root of links; null for mails without.</param>
/// <param name="log">The log.</param>
public sealed partial class FailureAlerts(
    PlatformDatabase database, IAdminNotifier notifier, TimeProvider clock, Uri? publicUrl, ILogger<FailureAlerts> log) : BackgroundService
{
    private const int LongestError = 2_000;
    private const long LockKey = 0x616C65727473; // "alerts"
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    /// <summary>Looks once, and tells what there is to tell.</summary>
    /// <returns>How many messages; 0 also while another node looks.</returns>
    public async Task<int> LookAsync(CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var now = clock.GetUtcNow();
        var jobs = (await connection.QueryAsync<Row>(new CommandDefinition(
            """
            SELECT j.id, j.name, j.notify_on_failure, s.failed_count, s.consecutive_failures, coalesce(a.failures_seen, 0) AS failures_seen,
                   coalesce(a.held_back, 0) AS held_back, a.alerted_at, coalesce(a.is_open, false) AS is_open
              FROM jobplatform.job_statistics s
              JOIN jobplatform.jobs j ON j.id = s.job_id
              LEFT JOIN jobplatform.job_alerts a ON a.job_id = s.job_id
             WHERE (s.failed_count > coalesce(a.failures_seen, 0) OR a.is_open AND s.consecutive_failures = 0
                    OR a.held_back > 0 AND a.alerted_at <= @due AND s.consecutive_failures > 0)
               AND pg_try_advisory_xact_lock(@LockKey)
             ORDER BY j.id
            """, new { due = now - Pause, LockKey }, transaction, cancellationToken: cancellation))).AsList();
        // What is silent stays as it is, and is told when the silence ends.
        var isSilent = jobs.Count > 0 ? await Silences.ReadAsync(connection, now, cancellation) : _ => false;
        var told = 0;
        foreach (var job in jobs.Where(job => !isSilent(job.Id)))
        {
            var next = Decide(job, now, out var message);
            if (message == Kind.Failed) told += await notifier.NotifyAsync(connection, await DescribeFailureAsync(connection, job, cancellation), cancellation) > 0 ? 1 : 0;
            if (message == Kind.WorksAgain) told += await notifier.NotifyAsync(connection, DescribeRecovery(job), cancellation) > 0 ? 1 : 0;
            await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO jobplatform.job_alerts (job_id, failures_seen, held_back, alerted_at, is_open)
                VALUES (@Id, @FailedCount, @HeldBack, @AlertedAt, @IsOpen)
                ON CONFLICT (job_id) DO UPDATE
                   SET failures_seen = excluded.failures_seen, held_back = excluded.held_back, alerted_at = excluded.alerted_at, is_open = excluded.is_open
                """, next, transaction, cancellationToken: cancellation));
        }
        await transaction.CommitAsync(cancellation);
        return told;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                LogLater(e, Interval.TotalSeconds);
            }
            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private enum Kind
    {
        None,
        Failed,
        WorksAgain,
    }

    private static Row Decide(Row job, DateTimeOffset now, out Kind message)
    {
        message = Kind.None;
        var fresh = job.FailedCount - job.FailuresSeen;
        if (!job.NotifyOnFailure) return job with { HeldBack = 0, IsOpen = false };
        if (job.ConsecutiveFailures > 0 || fresh > 0)
        {
            if (job.AlertedAt > now - Pause) return job with { HeldBack = job.HeldBack + fresh };
            message = Kind.Failed;
            return job with { HeldBack = 0, AlertedAt = now, IsOpen = true };
        }
        message = Kind.WorksAgain;
        return job with { HeldBack = 0, IsOpen = false };
    }

    private async Task<AdminMessage> DescribeFailureAsync(NpgsqlConnection connection, Row job, CancellationToken cancellation)
    {
        var run = await connection.QuerySingleOrDefaultAsync<FailedRun>(new CommandDefinition(
            """
            SELECT id, attempt, duration_ms, finished_at, trigger, error FROM jobplatform.job_runs
             WHERE job_id = @Id AND status = 'failed' ORDER BY id DESC LIMIT 1
            """, new { job.Id }, cancellationToken: cancellation));
        var error = run is not null && run.Error.TryGetProperty("message", out var said) ? said.GetString() ?? "" : "";
        if (error.Length > LongestError) error = error[..LongestError] + "…";
        var heldBack = job.HeldBack + job.FailedCount - job.FailuresSeen - 1;
        var body = heldBack <= 0 ? $"A run of the job {job.Name} has failed."
            : $"A run of the job {job.Name} has failed.\n{heldBack} more {(heldBack == 1 ? "failure was" : "failures were")} held back since the last mail: a job is told of once an hour at most.";
        var details = new List<KeyValuePair<string, string>> { new("Job", job.Name) };
        if (run is not null)
            details.AddRange(
            [
                new("Error", error), new("Run", $"{run.Id}"), new("Duration", Duration(run.DurationMs)),
                new("Attempts", run.Attempt.ToString(CultureInfo.InvariantCulture)), new("Started by", run.Trigger), new("Ended", $"{run.FinishedAt:yyyy-MM-dd HH:mm:ss} UTC"),
            ]);
        return new()
        {
            Subject = $"[JobPlatform] {job.Name} failed", Title = $"{job.Name} failed", Body = body, Details = details, Tag = "job-failed",
            Link = run is null ? null : LinkTo($"admin/runs/{run.Id}"),
        };
    }

    private AdminMessage DescribeRecovery(Row job) => new()
    {
        Subject = $"[JobPlatform] {job.Name} works again", Title = $"{job.Name} works again",
        Body = job.HeldBack == 0 ? $"The last run of the job {job.Name} was a success."
            : $"The last run of the job {job.Name} was a success. {job.HeldBack} more {(job.HeldBack == 1 ? "failure was" : "failures were")} held back since the last mail.",
        Details = [new("Job", job.Name)], Tag = "job-recovered", Link = LinkTo($"admin/jobs/{job.Name}"),
    };

    private string? LinkTo(string path) => publicUrl is null ? null : $"{publicUrl.AbsoluteUri.TrimEnd('/')}/{path}";

    private static string Duration(long? milliseconds) =>
        milliseconds is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known / 1000.0:0.0} s") : "not started";

    [LoggerMessage(4201, LogLevel.Warning, "The database did not answer the look for failed jobs; the next is in {Seconds} s")]
    private partial void LogLater(Exception exception, double seconds);

    private sealed record Row
    {
        public required long Id { get; init; }

        public required string Name { get; init; }

        public required bool NotifyOnFailure { get; init; }

        public required long FailedCount { get; init; }

        public required int ConsecutiveFailures { get; init; }

        public required long FailuresSeen { get; init; }

        public required long HeldBack { get; init; }

        public required DateTimeOffset? AlertedAt { get; init; }

        public required bool IsOpen { get; init; }
    }

    private sealed record FailedRun
    {
        public required Guid Id { get; init; }

        public required short Attempt { get; init; }

        public required long? DurationMs { get; init; }

        public required DateTimeOffset? FinishedAt { get; init; }

        public required string Trigger { get; init; }

        public required JsonElement Error { get; init; }
    }
}
