using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Directories;

/// <summary>Reads users and groups page by page, and keeps them aside; for one attempt.</summary>
internal sealed partial class DirectoryReading(DirectoryStaging staging, IDirectoryReader reader, RunContext run)
{
    /// <summary>Reads what is still to be read. True when all users were read, and not only those that have changed.</summary>
    /// <param name="place">Where it begins or goes on.</param>
    /// <param name="mayReadChanges">Whether those that have changed are enough, where the directory tells which.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<bool> ReadAsync((string Phase, string? Position) place, bool mayReadChanges, CancellationToken cancellation)
    {
        var readWhole = false;
        if (place.Phase == "users")
        {
            // Only a list of all has a position to go on from.
            readWhole = place.Position is not null || !mayReadChanges || !await ReadChangesAsync(cancellation);
            if (readWhole) await ReadUsersAsync(place.Position, cancellation);
        }
        if (place.Phase != "merge") await ReadGroupsAsync(place.Phase == "groups" ? place.Position : null, cancellation);
        return readWhole;
    }

    // All there are, as whoever is gone shows in no list of changes; then, of those whose time of change is another one than
    // is known, the rest. The directory's times are compared with its own only. False where it must be read whole.
    private async Task<bool> ReadChangesAsync(CancellationToken cancellation)
    {
        if (reader.ListUsers(cancellation) is not { } list || await staging.FindSettledAsync(cancellation) is not { } settled) return false;
        var (listed, read) = (0L, 0L);
        await foreach (var page in list)
        {
            if (page.Rows.Any(mark => mark.ChangedAt is null)) return false;
            await staging.AddAsync(page, settled, cancellation);
            run.ReportProgress(listed += page.Rows.Count, note: $"{listed:N0} users listed");
        }
        if (await staging.FindUnreadAsync(cancellation) is { } since)
            try
            {
                await foreach (var page in reader.ReadUsersAsync(null, since, cancellation))
                {
                    await staging.AddUnreadAsync(page.Rows, cancellation);
                    run.ReportProgress(read += page.Rows.Count, listed, $"{read:N0} users read");
                }
            }
            catch (DirectoryException e)
            {
                // Not every server searches by time, or for anybody; what else is wrong shows when it is read whole.
                LogReadsWhole(run.Logger, e.Message);
                return false;
            }
        // Those that it lacks have gone meanwhile, or it does not search by time and does not say so.
        return await staging.FindUnreadAsync(cancellation) is null;
    }

    private async Task ReadUsersAsync(string? position, CancellationToken cancellation)
    {
        var read = 0L;
        await foreach (var page in reader.ReadUsersAsync(position, null, cancellation))
        {
            await staging.AddAsync(page, cancellation);
            run.ReportProgress(read += page.Rows.Count, note: $"{read:N0} users read");
        }
    }

    private async Task ReadGroupsAsync(string? position, CancellationToken cancellation)
    {
        var read = 0L;
        await foreach (var page in reader.ReadGroupsAsync(position, cancellation))
        {
            await staging.AddAsync(page, cancellation);
            run.ReportProgress(read += page.Rows.Count, note: $"{read:N0} groups read");
        }
    }

    [LoggerMessage(5202, LogLevel.Information, "The directory does not tell what has changed, and is read whole: {Reason}")]
    private static partial void LogReadsWhole(ILogger logger, string reason);
}
