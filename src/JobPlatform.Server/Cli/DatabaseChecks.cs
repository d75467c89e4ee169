using System.Net.Sockets;
using JobPlatform.Core.Checks;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Server.Cli;

/// <summary>Whether the databases answer, and whether the platform's is ready.</summary>
internal static class DatabaseChecks
{
    /// <summary>Each database is tried by itself: a missing one hides no fault of another.</summary>
    public static async Task<List<Finding>> RunAsync(PlatformSettings settings, IConfiguration configuration, CancellationToken cancellation)
    {
        var findings = new List<Finding>();
        var isUsable = new Dictionary<string, bool>();
        foreach (var (name, connection) in Connections(settings))
            isUsable[connection] = isUsable.TryGetValue(connection, out var known) ? known
                : !IsFaulty(settings, name) && await TryAsync(findings, name, () => CheckServerAsync(findings, name, connection, cancellation));
        if (!isUsable[settings.PlatformConnection] || IsFaulty(settings, "App")) return findings;

        await using var session = Session.CreateUnchecked(configuration, settings);
        var isPrepared = await TryAsync(findings, "Platform", () => CheckPlatformAsync(findings, session, cancellation));
        if (isPrepared)
            await TryAsync(findings, "Platform", async () =>
            {
                await foreach (var finding in session.Get<DriftCheck>().FindAsync(isUsable[settings.AppConnection], cancellation)) findings.Add(finding);
                return true;
            });
        return findings;
    }

    private static IEnumerable<(string Name, string Text)> Connections(PlatformSettings settings) =>
        [("Platform", settings.PlatformConnection), ("App", settings.AppConnection), ("Owner", settings.OwnerConnection)];

    private static bool IsFaulty(PlatformSettings settings, string name) =>
        settings.Faults.Any(fault => fault.StartsWith($"ConnectionStrings__{name}:", StringComparison.Ordinal));

    private static async Task<bool> CheckServerAsync(List<Finding> findings, string name, string connection, CancellationToken cancellation)
    {
        await using var database = new PlatformDatabase(connection, "jobplatform-check");
        if (await Preparation.FindVersionFaultAsync(database, cancellation) is not { } fault) return true;
        findings.Add(Finding.Fault("database", $"ConnectionStrings__{name}: {fault}"));
        return false;
    }

    private static async Task<bool> CheckPlatformAsync(List<Finding> findings, Session session, CancellationToken cancellation)
    {
        var database = session.Get<PlatformDatabase>();
        await session.AnchorAsync(cancellation);
        if (await Preparation.FindMissingRolesAsync(database, cancellation) is { Count: > 0 } roles)
            findings.Add(Finding.Fault("roles", $"{string.Join(" and ", roles)} missing: run 'jobplatform init' as a user that may create roles."));
        if (await Migrator.FindPendingAsync(database.Source, cancellation) is { Count: > 0 } pending)
        {
            findings.Add(Finding.Fault("schema",
                $"{pending.Count} migrations are to be applied ({pending[0].Name} first): run 'jobplatform migrate'."));
            return false;
        }
        if (await session.Get<IJobEngine>().FindFaultAsync(cancellation) is { } idle) findings.Add(Finding.Warning("engine", idle));
        return true;
    }

    private static async Task<bool> TryAsync(List<Finding> findings, string name, Func<Task<bool>> check)
    {
        try
        {
            return await check();
        }
        catch (Exception e) when (e is NpgsqlException or MigrationException or TimeoutException or SocketException)
        {
            findings.Add(Finding.Fault("database", $"ConnectionStrings__{name}: {Failures.Describe(e).Sentence}"));
            return false;
        }
    }
}
