using System.CommandLine;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary><c>init</c>: everything between an empty database and a server that can start. Idempotent.</summary>
internal static class InitCommand
{
    private const string ConnectionName = "ConnectionStrings__Platform";
    private const string ConnectionKey = "ConnectionStrings:Platform";

    private static readonly string[] SecretNames = ["JOBS_SECRET_KEY", "CRON_SECRET"];

    public static Command Create()
    {
        var connection = new Option<string?>("--connection")
        {
            Description = $"The PostgreSQL connection string, instead of {ConnectionName}. Kept in secrets.env when there is none yet.",
            HelpName = "string",
        };
        var email = new Option<string?>("--admin-email")
        {
            Description = "The first admin, where there is none; asked for at a terminal.",
            HelpName = "email",
        };
        var password = new Option<string?>("--admin-password")
        {
            Description = "The first admin's password; without it one is made and printed. Other users of this machine may see it while the command runs.",
            HelpName = "password",
        };
        var command = new Command("init",
            "Prepare everything for the server: tables, roles, secrets, jobs, schedules. What is there stays as it is; run it as often as you like.")
        {
            connection, email, password,
        };
        command.SetAction((parsed, cancellation) =>
            RunAsync(parsed.GetValue(connection), new FirstAdmin(parsed.GetValue(email), parsed.GetValue(password)), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string? given, FirstAdmin admin, CancellationToken cancellation)
    {
        admin.Check();
        var configuration = PlatformConfiguration.Load(Console.Error, (ConnectionKey, given));
        if (string.IsNullOrWhiteSpace(configuration[ConnectionKey]) && Ask() is { Length: > 0 } answer)
        {
            given = answer;
            configuration = PlatformConfiguration.Load(TextWriter.Null, (ConnectionKey, given));
        }

        await using var session = Session.Create(configuration);
        await Preparation.RunAsync(session.Settings, session.Output, cancellation);
        KeepSecrets(session, given);
        await session.AnchorAsync(cancellation);
        await SeedAsync(session, cancellation);
        await admin.EnsureAsync(session, cancellation);
        return await SyncAsync(session, cancellation);
    }

    private static string? Ask()
    {
        if (Console.IsInputRedirected || Console.IsErrorRedirected) return null;
        Console.Error.Write("PostgreSQL connection string (Host=…;Database=…;Username=…;Password=…): ");
        return Console.ReadLine();
    }

    private static void KeepSecrets(Session session, string? givenConnection)
    {
        var missing = SecretNames.Where(name => string.IsNullOrEmpty(session.Configuration[name])).ToList();
        if (SecretsFile.Find() is not { } file)
        {
            session.Output.Line(missing.Count == 0
                ? "Secrets: set already."
                : $"Secrets: {string.Join(" and ", missing)} not set, and there is no data folder to keep them in. " +
                  $"Set them to what 'jobplatform secrets new' prints, or name a folder in {DataFolder.Setting}.");
            return;
        }
        var present = file.Read();
        // A line without a value is the operator's too: the file never gets a second line of that name.
        var made = missing.Where(name => !present.ContainsKey(name))
            .Select(name => KeyValuePair.Create(name, Secrets.Create())).ToList();
        if (givenConnection is not null && !present.ContainsKey(ConnectionKey))
            made.Add(KeyValuePair.Create(ConnectionName, givenConnection));
        if (made.Count > 0) file.Append(made);
        session.Output.Line(made.Count > 0
            ? $"Secrets: {string.Join(", ", made.Select(entry => entry.Key))} written to {file.Path}."
            : "Secrets: set already.");
    }

    private static async Task SeedAsync(Session session, CancellationToken cancellation)
    {
        var seeded = await session.Get<JobSeeder>().SeedAsync(cancellation);
        session.Output.Line(seeded.Created.Count > 0
            ? $"Jobs: {seeded.Created.Count} made, {seeded.Disabled.Count} of them disabled for want of tables or settings."
            : "Jobs: nothing to do.");
        foreach (var (job, missing) in seeded.Disabled)
            session.Output.Line($"  {job} is disabled: {string.Join(", ", missing)} missing.");
        await session.Get<EventTypes>().PublishAsync(session.Get<PlatformDatabase>(), cancellation);
    }

    private static async Task<int> SyncAsync(Session session, CancellationToken cancellation)
    {
        var orphans = await session.Get<ScheduleControl>().PurgeOrphansAsync(Session.Actor, cancellation);
        var result = await session.Get<ScheduleSync>().ReconcileAsync(cancellation);
        session.Output.Line(orphans.Purged.Count + result.Scheduled + result.Unscheduled == 0
            ? "Schedules: nothing to do."
            : $"Schedules: {result.Scheduled} set, {result.Unscheduled} removed, {orphans.Purged.Count} without a job purged.");
        foreach (var fault in result.Faults) session.Output.Note(fault);
        foreach (var orphan in orphans.Failed) session.Output.Note($"The schedule of {orphan.Job}, which is gone, is left: {orphan.Error}");
        // A job that cannot be scheduled is a fault of its row: the installation is made, and the row must be reachable to be mended.
        return orphans.Failed.Count == 0 ? ExitCode.Well : ExitCode.Failed;
    }
}
