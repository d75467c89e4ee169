using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Dapper;
using JobPlatform.Core;
using JobPlatform.Core.Database;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Handlers.Directories;

/// <summary>
/// Makes <c>directory_users</c>, <c>directory_groups</c> and <c>directory_memberships</c> of one connection equal to its
/// directory. It is read page by page into tables aside and compared there, so that memory stays the same for any
/// number; a further attempt goes on from the last page. Where the directory tells when a user changed, only those that
/// did are read, but once a day, when forced, and after a change of the definition all.
/// </summary>
[JobHandler("sync-directory", "Syncs the users and groups of one directory connection (LDAP or SCIM); deactivates those gone.",
    IsDestructive = true, TimeoutSeconds = 3600, RetryDelays = "30,60,120", MaxConcurrency = 4)]
public sealed partial class SyncDirectory(PlatformDatabase database, DirectoryStore directories, DirectoryReaders readers) : JobHandler<SyncDirectory.Config>
{
    private const int LookedForAtOnce = 200;
    // What no time of change tells is seen a day later: rights that the reader was given, values that the directory computes.
    private static readonly TimeSpan LongestWithoutWhole = TimeSpan.FromDays(1);

    private const string Figures =
        """
        SELECT (SELECT count(*) FROM jobplatform.directory_users WHERE connection_id = @id AND deactivated_at IS NULL) AS users_known,
               (SELECT count(*) FROM jobplatform.directory_read_users WHERE connection_id = @id AND is_active) AS users_active,
               (SELECT count(*) FROM jobplatform.directory_read_users WHERE connection_id = @id) AS users_read,
               (SELECT count(*) FROM jobplatform.directory_groups WHERE connection_id = @id AND deactivated_at IS NULL) AS groups_known,
               (SELECT count(*) FROM jobplatform.directory_read_groups WHERE connection_id = @id) AS groups_read
        """;

    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>The connection.</summary>
        [Required, Description("The id of the directory connection.")]
        public Guid? ConnectionId { get; init; }

        /// <summary>Whether a directory is believed that has lost more than half of its users or groups.</summary>
        [DeletesMoreWhen(Becomes.True), Description("Believe the directory although it has fewer than half of the known users or groups.")]
        public bool Force { get; init; }

        /// <summary>Whether it only says what it would do.</summary>
        [DeletesMoreWhen(Becomes.False), Description("Change nothing; say what would be changed.")]
        public bool DryRun { get; init; }

        /// <summary>The most changes that the output lists.</summary>
        [Range(0, 1_000), Description("The most changes that the output lists; all are counted.")]
        public int ListLimit { get; init; } = 100;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var id = config.ConnectionId!.Value;
        if (await directories.FindAsync(id, cancellation: cancellation) is not { } connection) return RunOutcome.FailForGood($"connection_id: there is no directory connection {id}.");
        if (!connection.IsEnabled) return RunOutcome.FailForGood($"The directory connection '{connection.Name}' is disabled. Enable it first.");
        var staging = new DirectoryStaging(database, connection, run, config.DryRun);
        if (await staging.BeginAsync(cancellation) is not { } place) return RunOutcome.SkipAsOverlap(new { connection_id = id });
        try
        {
            if (await readers.OpenAsync(id, cancellation) is not { } opened) return RunOutcome.FailForGood($"connection_id: there is no directory connection {id} any more.");
            await using var reader = opened.Reader;
            return await SyncAsync(opened.Connection, reader, staging, place, config, run, cancellation);
        }
        catch (DirectoryException e)
        {
            await staging.RecordAsync(new { error = e.Message, e.Fault }, cancellation);
            return e.ToOutcome();
        }
        catch (Exception e)
        {
            // What has ended the run must not end this, nor a database that is away hide what has ended it.
            try
            {
                await staging.RecordAsync(new { error = e is OperationCanceledException ? "It was stopped before its end." : $"It broke off ({e.GetType().Name}); its run says more." }, CancellationToken.None);
            }
            catch (NpgsqlException lost)
            {
                LogNotRecorded(run.Logger, lost);
            }
            throw;
        }
    }

    private async Task<RunOutcome> SyncAsync(DirectoryConnection connection, IDirectoryReader reader, DirectoryStaging staging,
        (string Phase, string? Position) place, Config config, RunContext run, CancellationToken cancellation)
    {
        var readWhole = await new DirectoryReading(staging, reader, run).ReadAsync(place, MayReadChanges(connection, config, run), cancellation);
        var figures = await CountAsync(connection.Id, cancellation);
        if (!config.Force && (figures.UsersActive * 2 < figures.UsersKnown || figures.GroupsRead * 2 < figures.GroupsKnown))
        {
            var refusal = new { refused = "the directory has fewer than half of the known users or groups", figures, go_on_with = new { force = true } };
            await staging.RecordAsync(refusal, cancellation);
            await staging.ForgetAsync(cancellation);
            return RunOutcome.StopForSafety(refusal);
        }
        var kept = !reader.ListsShift ? 0
            : await FindMissedAsync(connection.Id, "directory_users", "directory_read_users", reader.FindUserAsync, staging.AddAsync, run, cancellation)
            + await FindMissedAsync(connection.Id, "directory_groups", "directory_read_groups", reader.FindGroupAsync, staging.AddAsync, run, cancellation);

        run.ReportProgress(figures.UsersRead, figures.UsersRead, "comparing");
        await using var open = await database.OpenAsync(cancellation);
        await using var transaction = await open.BeginTransactionAsync(cancellation);
        await staging.HoldAsync(open, cancellation);
        var merge = new DirectoryMerge(open, connection.Id, run.Clock.GetUtcNow(), config.ListLimit);
        await merge.RunAsync(cancellation);
        var output = new
        {
            config.DryRun, readWhole, figures.UsersRead, figures.GroupsRead, kept,
            added = merge["added"], updated = merge["updated"], deactivated = merge["deactivated"], reactivated = merge["reactivated"], moved = merge["moved"],
            groups_added = merge["groups_added"], groups_updated = merge["groups_updated"], groups_deactivated = merge["groups_deactivated"],
            groups_reactivated = merge["groups_reactivated"], memberships_added = merge["memberships_added"], memberships_removed = merge["memberships_removed"], merge.Changes,
        };
        if (config.DryRun)
        {
            await transaction.RollbackAsync(cancellation);
            await staging.ForgetAsync(cancellation);
            return RunOutcome.Success(output);
        }
        await staging.ForgetAsync(open, cancellation);
        await open.ExecuteAsync(new CommandDefinition(
            """
            UPDATE jobplatform.directory_connections
               SET last_success_at = @now, last_result = @result::jsonb - 'changes' - 'dry_run',
                   read_whole_at = CASE WHEN @readWhole THEN @now ELSE read_whole_at END, read_whole_version = CASE WHEN @readWhole THEN @Version ELSE read_whole_version END
             WHERE id = @Id
            """,
            new { connection.Id, connection.Version, readWhole, now = run.Clock.GetUtcNow(), result = JsonSerializer.Serialize(output, PlatformJson.Options) }, transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return RunOutcome.Success(output);
    }

    private static bool MayReadChanges(DirectoryConnection connection, Config config, RunContext run) =>
        !config.Force && connection.ReadWholeVersion == connection.Version && connection.ReadWholeAt > run.Clock.GetUtcNow() - LongestWithoutWhole;

    // Each that the list lacks is asked for by its id: nobody is deactivated who is there.
    private async Task<long> FindMissedAsync<T>(Guid id, string known, string read, Func<string, CancellationToken, Task<T?>> find,
        Func<IReadOnlyList<T>, CancellationToken, Task> add, RunContext run, CancellationToken cancellation) where T : class
    {
        var (kept, looked, after) = (0L, 0L, "");
        while (true)
        {
            var missing = await ListMissingAsync(id, known, read, after, cancellation);
            var found = new List<T>();
            foreach (var one in missing)
                if (await find(one, cancellation) is { } there) found.Add(there);
            if (found.Count > 0) await add(found, cancellation);
            kept += found.Count;
            if (missing.Count < LookedForAtOnce) return kept;
            after = missing[^1];
            run.ReportProgress(looked += missing.Count, note: $"{looked:N0} that were not in the list looked for");
        }
    }

    private async Task<List<string>> ListMissingAsync(Guid id, string known, string read, string after, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        return (await open.QueryAsync<string>(new CommandDefinition(
            $"""
            SELECT k.external_id FROM jobplatform.{known} k
             WHERE k.connection_id = @id AND k.external_id > @after AND k.deactivated_at IS NULL
               AND NOT EXISTS (SELECT FROM jobplatform.{read} r WHERE r.connection_id = @id AND r.external_id = k.external_id)
             ORDER BY k.external_id LIMIT @limit
            """, new { id, after, limit = LookedForAtOnce }, commandTimeout: 0, cancellationToken: cancellation))).AsList();
    }

    private async Task<Counts> CountAsync(Guid id, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        return await open.QuerySingleAsync<Counts>(new CommandDefinition(Figures, new { id }, commandTimeout: 0, cancellationToken: cancellation));
    }

    [LoggerMessage(5201, LogLevel.Warning, "What became of the sync could not be written to its connection")]
    private static partial void LogNotRecorded(ILogger logger, Exception exception);

    private sealed record Counts
    {
        public long UsersKnown { get; init; }

        public long UsersActive { get; init; }

        public long UsersRead { get; init; }

        public long GroupsKnown { get; init; }

        public long GroupsRead { get; init; }
    }
}
