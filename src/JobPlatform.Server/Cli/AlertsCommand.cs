using System.CommandLine;
using JobPlatform.Core.Alerts;

namespace JobPlatform.Server.Cli;

/// <summary><c>alerts</c>: what is wrong, and windows in which nobody is told.</summary>
internal static class AlertsCommand
{
    public static Command Create() => new("alerts", "Look at alerts, and keep them quiet for a while.")
    {
        CreateList(),
        CreateSilence(),
        CreateSilences(),
        CreateUnsilence(),
    };

    private static Command CreateList()
    {
        var json = Options.Json();
        var all = new Option<bool>("--all") { Description = "Also those that are over; the newest 100." };
        var list = new Command("list", "List open alerts.") { all, json };
        list.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var alerts = await session.Get<AlertReader>().ListAsync(openOnly: !parsed.GetValue(all), cancellation: cancellation);
            if (parsed.GetValue(json)) session.Output.Json(alerts);
            else
                session.Output.Table(["ID", "KIND", "WHAT", "SINCE (UTC)", "TOLD (UTC)", "OVER (UTC)"], [.. alerts.Select(alert => new[]
                {
                    $"{alert.Id}", alert.Kind, alert.Title, Output.Time(alert.OpenedAt), Output.Time(alert.ToldAt), Output.Time(alert.ClosedAt),
                })]);
            return ExitCode.Well;
        });
        return list;
    }

    private static Command CreateSilence()
    {
        var minutes = new Argument<int>("minutes") { Description = "How long, 1 to 10080." };
        var job = new Option<string?>("--job") { Description = "Only alerts of this job.", HelpName = "name" };
        var cron = new Option<string?>("--cron") { Description = "From each of these times on, again and again; without it once, from now.", HelpName = "expression" };
        var zone = new Option<string>("--time-zone") { Description = "The zone of --cron.", HelpName = "zone", DefaultValueFactory = _ => "UTC" };
        var reason = new Option<string>("--reason") { Description = "Why, for people.", HelpName = "text", DefaultValueFactory = _ => "" };
        var silence = new Command("silence", "Tell nobody for a while; what is still wrong then is told at the end.") { minutes, job, cron, zone, reason };
        silence.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var now = session.Get<TimeProvider>().GetUtcNow();
            var window = new Silence { Job = parsed.GetValue(job), Reason = parsed.GetValue(reason)!, TimeZone = parsed.GetValue(zone)! };
            window = parsed.GetValue(cron) is { } expression
                ? window with { CronExpression = expression, Minutes = parsed.GetValue(minutes) }
                : window with { StartsAt = now, EndsAt = now.AddMinutes(Math.Min(parsed.GetValue(minutes), 10_080)) };
            var (id, fault) = await session.Get<Silences>().AddAsync(window, Session.Actor, cancellation);
            if (fault is not null) throw CliException.Refused(fault);
            session.Output.Line($"Silence {id} is set. 'jobplatform alerts unsilence {id}' ends it.");
            return ExitCode.Well;
        });
        return silence;
    }

    private static Command CreateSilences()
    {
        var json = Options.Json();
        var list = new Command("silences", "List windows of silence that hold or will.") { json };
        list.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var silences = await session.Get<Silences>().ListAsync(session.Get<TimeProvider>().GetUtcNow(), cancellation);
            if (parsed.GetValue(json)) session.Output.Json(silences);
            else
                session.Output.Table(["ID", "JOB", "WHEN", "BY", "REASON"], [.. silences.Select(silence => new[]
                {
                    $"{silence.Id}", silence.Job ?? "(all)",
                    silence.CronExpression is { } cron ? $"{silence.Minutes} min from {cron} ({silence.TimeZone})" : $"{Output.Time(silence.StartsAt)} to {Output.Time(silence.EndsAt)}",
                    silence.CreatedBy, silence.Reason,
                })]);
            return ExitCode.Well;
        });
        return list;
    }

    private static Command CreateUnsilence()
    {
        var id = new Argument<long>("id") { Description = "The silence, as 'alerts silences' shows it." };
        var unsilence = new Command("unsilence", "End a window of silence.") { id };
        unsilence.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            if (!await session.Get<Silences>().RemoveAsync(parsed.GetValue(id), Session.Actor, cancellation))
                throw CliException.Refused($"There is no silence {parsed.GetValue(id)}. 'jobplatform alerts silences' lists them.");
            session.Output.Line("It is over.");
            return ExitCode.Well;
        });
        return unsilence;
    }
}
