using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Notifications;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Alerts;

/// <summary>
/// Tells the admins of missed runs, runs that take too long, queues that are too deep and mail that is not sent: each
/// once, and its end. What was told is committed with the mail, so that of several nodes one tells it, once. Failed runs:
/// <see cref="FailureAlerts"/>.
/// </summary>
/// <param name="database">The platform's database.</param>
/// <param name="notifier">Writes the mails.</param>
/// <param name="settings">From when on something is wrong.</param>
/// <param name="clock">The clock.</param>
/// <param name="publicUrl">The root of links; null for mails without.</param>
/// <param name="log">The log.</param>
public sealed partial class PlatformAlerts(
    PlatformDatabase database, IAdminNotifier notifier, AlertSettings settings, TimeProvider clock, Uri? publicUrl, ILogger<PlatformAlerts> log) : BackgroundService
{
    private const long LockKey = 0x636F6E6469746E73; // "conditns"
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    // An outage of all jobs is one mail, not thousands.
    private const int MostSingly = 5;
    private const int MostListed = 20;
    // What comes and goes all the time is told once an hour, as a job that fails.
    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    /// <summary>Looks once, and tells what there is to tell.</summary>
    /// <returns>How many messages; 0 also while another node looks.</returns>
    public async Task<int> LookAsync(CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition("SELECT pg_try_advisory_xact_lock(@LockKey)", new { LockKey }, transaction, cancellationToken: cancellation))) return 0;
        var now = clock.GetUtcNow();
        await CompareAsync(connection, now, cancellation);
        var told = await TellAsync(connection, now, cancellation);
        await transaction.CommitAsync(cancellation);
        return told;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            // First a pause: what was missed while the whole platform was away gets a moment to be made up for.
            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested) return;
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                LogLater(e, Interval.TotalSeconds);
            }
        }
    }

    private async Task CompareAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        var open = (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT key FROM jobplatform.alerts WHERE closed_at IS NULL", cancellationToken: cancellation))).ToHashSet(StringComparer.Ordinal);
        var found = await Conditions.FindAsync(connection, settings, open, now, cancellation);
        var fresh = found.Where(condition => !open.Contains(condition.Key)).ToList();
        if (fresh.Count > 0)
            await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO jobplatform.alerts (key, kind, job_id, title, message, link, opened_at)
                SELECT n.*, @now FROM unnest(@keys, @kinds, @jobs::bigint[], @titles, @messages, @links::text[]) n
                """, new
                {
                    keys = fresh.ConvertAll(condition => condition.Key), kinds = fresh.ConvertAll(condition => condition.Kind), jobs = fresh.ConvertAll(condition => condition.JobId),
                    titles = fresh.ConvertAll(condition => condition.Title), messages = fresh.ConvertAll(condition => condition.Message), links = fresh.ConvertAll(condition => LinkTo(condition.Path)), now,
                }, cancellationToken: cancellation));
        foreach (var condition in fresh) LogOpened(condition.Kind, condition.Title);
        var over = open.Except(found.Select(condition => condition.Key)).ToArray();
        if (over.Length == 0) return;
        var titles = await connection.QueryAsync<string>(new CommandDefinition(
            "UPDATE jobplatform.alerts SET closed_at = @now WHERE key = ANY (@over) AND closed_at IS NULL RETURNING title", new { now, over }, cancellationToken: cancellation));
        foreach (var title in titles) LogClosed(title);
    }

    private async Task<int> TellAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        var alerts = (await connection.QueryAsync<Alert>(new CommandDefinition(
            $"""
            SELECT {Alert.Columns} FROM jobplatform.alerts a
             WHERE a.closed_at IS NULL AND a.told_at IS NULL
               AND NOT EXISTS (SELECT FROM jobplatform.alerts e WHERE e.key = a.key AND e.told_at > @recently)
            UNION ALL
            SELECT {Alert.Columns} FROM jobplatform.alerts a
             WHERE a.closed_at IS NOT NULL AND a.told_at IS NOT NULL AND a.recovery_told_at IS NULL
             ORDER BY id
            """, new { recently = now - Pause }, cancellationToken: cancellation))).AsList();
        if (alerts.Count == 0) return 0;
        var isSilent = await Silences.ReadAsync(connection, now, cancellation);
        var told = 0;
        foreach (var kind in alerts.Where(alert => !isSilent(alert.JobId)).GroupBy(alert => (alert.Kind, IsOver: alert.ClosedAt is not null)))
        {
            var messages = kind.Count() <= MostSingly ? kind.Select(Describe) : [DescribeTogether(kind.Key.Kind, kind.Key.IsOver, [.. kind])];
            foreach (var message in messages)
                if (await notifier.NotifyAsync(connection, message, cancellation) > 0) told++;
            await connection.ExecuteAsync(new CommandDefinition(
                $"UPDATE jobplatform.alerts SET {(kind.Key.IsOver ? "recovery_told_at" : "told_at")} = @now WHERE id = ANY (@ids)",
                new { ids = kind.Select(alert => alert.Id).ToArray(), now }, cancellationToken: cancellation));
        }
        return told;
    }

    private AdminMessage DescribeTogether(string kind, bool isOver, IReadOnlyList<Alert> alerts)
    {
        var title = $"{(isOver ? "Over: " : "")}{alerts.Count} alerts: {alerts[0].Title}, and so on";
        var more = alerts.Count > MostListed ? $"\n… and {alerts.Count - MostListed} more. 'jobplatform alerts list' shows them all." : "";
        return new()
        {
            Subject = $"[JobPlatform] {title}", Title = title, Link = LinkTo("admin"), Tag = $"{kind.Replace('_', '-')}{(isOver ? "-over" : "")}",
            Body = $"{(isOver ? "These are over:" : "These came at once, perhaps of one cause:")}\n{string.Join('\n', alerts.Take(MostListed).Select(alert => alert.Title))}{more}",
            Details = [new("Since", $"{TimeText.At(alerts.Min(alert => alert.OpenedAt))} UTC")],
        };
    }

    private static AdminMessage Describe(Alert alert) => alert.ClosedAt is not { } end
        ? new()
        {
            Subject = $"[JobPlatform] {alert.Title}", Title = alert.Title, Body = alert.Message, Link = alert.Link, Tag = alert.Kind.Replace('_', '-'),
            Details = [new("Since", $"{TimeText.At(alert.OpenedAt)} UTC")],
        }
        : new()
        {
            Subject = $"[JobPlatform] Over: {alert.Title}", Title = $"Over: {alert.Title}", Link = alert.Link, Tag = $"{alert.Kind.Replace('_', '-')}-over",
            Body = $"This is over after {TimeText.Coarse(end - alert.OpenedAt)}: {alert.Title}.",
            Details = [new("From", $"{TimeText.At(alert.OpenedAt)} UTC"), new("To", $"{TimeText.At(end)} UTC")],
        };

    private string? LinkTo(string path) => publicUrl is null ? null : $"{publicUrl.AbsoluteUri.TrimEnd('/')}/{path}";

    [LoggerMessage(4211, LogLevel.Warning, "Alert {Kind}: {Title}")]
    private partial void LogOpened(string kind, string title);

    [LoggerMessage(4212, LogLevel.Information, "Alert over: {Title}")]
    private partial void LogClosed(string title);

    [LoggerMessage(4213, LogLevel.Warning, "The database did not answer the look for alerts; the next is in {Seconds} s")]
    private partial void LogLater(Exception exception, double seconds);
}
