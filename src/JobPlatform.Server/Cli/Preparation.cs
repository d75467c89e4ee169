using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary>Brings the database up to date with the owner's connection; shared by <c>init</c> and <c>migrate</c>.</summary>
internal static class Preparation
{
    private const int OldestVersion = 15;

    /// <summary>Migrates, makes the roles and says on standard output what was done.</summary>
    public static async Task RunAsync(PlatformSettings settings, Output output, CancellationToken cancellation)
    {
        await using var owner = new PlatformDatabase(settings.OwnerConnection, "jobplatform-owner");
        if (await FindVersionFaultAsync(owner, cancellation) is { } fault) throw new CliException(ExitCode.Unavailable, fault);
        var applied = await Migrator.MigrateAsync(owner.Source, cancellation);
        output.Line(applied.Count > 0
            ? $"Migrations: {applied.Count} applied ({string.Join(", ", applied)})."
            : "Migrations: nothing to do.");
        if (await Roles.EnsureAsync(owner.Source, cancellation) is { } missing) output.Note($"Warning: {missing}");
        else output.Line($"Roles: {Roles.Service} and {Roles.App} have their rights.");
        await EngineChoice.PrepareAsync(settings, owner.Source, cancellation);
    }

    /// <summary>One sentence when the server is too old.</summary>
    public static async Task<string?> FindVersionFaultAsync(PlatformDatabase database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return connection.PostgreSqlVersion.Major >= OldestVersion
            ? null
            : $"The server is PostgreSQL {connection.PostgreSqlVersion}: the platform needs {OldestVersion} or newer.";
    }

    /// <summary>Which of <see cref="Roles"/> are missing.</summary>
    public static async Task<IReadOnlyList<string>> FindMissingRolesAsync(PlatformDatabase database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await Roles.FindMissingAsync(connection, cancellation);
    }
}
