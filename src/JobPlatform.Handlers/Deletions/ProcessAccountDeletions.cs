using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.Deletions;

/// <summary>
/// Deletes the accounts whose owners asked for it long enough ago, one at a time, in recorded steps
/// (<see cref="AccountErasure"/>). One that fails does not stop the others: the next run goes on with it.
/// </summary>
[JobHandler("process-account-deletions", "Deletes accounts 30 days after their owners asked for it: subscription, data, blobs, users; with evidence.",
    Cron = "*/30 * * * *", IsDestructive = true, TimeoutSeconds = 3600,
    Tables = ["public.account_deletion_requests", "public.account_deletion_steps", "public.account_deletion_parts", "public.accounts", "public.account_members",
              "public.users", "public.subscriptions", "public.licenses", "public.license_warnings", "public.chats", "public.chat_sessions", "public.messages",
              "public.message_attachments", "public.message_sources", "public.active_streams", "public.projects", "public.project_files", "public.workspaces",
              "public.workspace_invitations", "public.push_subscriptions", "public.auth_sessions", "public.sessions", "public.affiliate_conversions", "public.payments"])]
public sealed class ProcessAccountDeletions(AppDatabase app, AccountErasure erasure, SecretRedactor redactor) : JobHandler<ProcessAccountDeletions.Config>
{
    private const int PageSize = 100;
    private const int LongestError = 1_000;
    private const int MostListed = 100;

    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Days from the request to the deletion.</summary>
        [Range(0, 365), DeletesMoreWhen(Becomes.Lower), Description("Days between the request and the deletion, in which it can be withdrawn.")]
        public int Days { get; init; } = 30;

        /// <summary>Rows in one transaction.</summary>
        [Range(1, 100_000), Description("The most rows that one transaction deletes.")]
        public int BatchSize { get; init; } = 1_000;

        /// <summary>Accounts in one run.</summary>
        [Range(1, 100_000), DeletesMoreWhen(Becomes.Higher), Description("The most accounts of one run; null for all that are due.")]
        public int? MaxAccounts { get; init; }

        /// <summary>The language of the notice; null for the owner's.</summary>
        [Description("The language of the notice, such as de; null for the owner's.")]
        public string? Locale { get; init; }

        /// <summary>Counts instead of deleting.</summary>
        [DeletesMoreWhen(Becomes.False), Description("Change nothing; report what would be deleted.")]
        public bool DryRun { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var (deleted, left, failed) = (0, 0, new List<object>());
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var after = 0L;
        var room = config.MaxAccounts ?? int.MaxValue;
        while (room > 0)
        {
            var page = await FindDueAsync(after, Math.Min(PageSize, room), run.Clock.GetUtcNow().AddDays(-config.Days), cancellation);
            if (page.Count == 0) break;
            room -= page.Count;
            foreach (var request in page)
            {
                after = request;
                if (config.DryRun)
                {
                    foreach (var (table, rows) in await erasure.CountAsync(request, cancellation)) counts[table] = counts.GetValueOrDefault(table) + rows;
                    deleted++;
                    continue;
                }
                try
                {
                    if (await erasure.RunAsync(request, config, run, cancellation)) deleted++;
                    else left++;
                }
                catch (Exception e) when (!cancellation.IsCancellationRequested)
                {
                    var reason = StorableText.Clean(redactor.Redact(e.Message), LongestError);
                    if (failed.Count < MostListed) failed.Add(new { request, error = reason });
                    await RecordFailureAsync(request, reason, cancellation);
                }
                run.ReportProgress(deleted + failed.Count, note: $"{deleted} accounts deleted");
            }
        }
        if (config.DryRun) return RunOutcome.Success(new { dry_run = true, would_delete = deleted, rows = counts });
        var output = new { deleted, left, failed };
        // For good: what is recorded is recorded, and the next due time goes on with it.
        return failed.Count == 0 ? RunOutcome.Success(output)
            : RunOutcome.FailForGood($"{failed.Count} of {failed.Count + deleted} accounts could not be deleted; the next run goes on with them.", output);
    }

    private async Task<List<long>> FindDueAsync(long after, int limit, DateTimeOffset requestedBefore, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return (await connection.QueryAsync<long>(new CommandDefinition(
            """
            SELECT id FROM public.account_deletion_requests
             WHERE withdrawn_at IS NULL AND finished_at IS NULL AND requested_at <= @requestedBefore AND id > @after ORDER BY id LIMIT @limit
            """, new { after, limit, requestedBefore }, cancellationToken: cancellation))).AsList();
    }

    private async Task RecordFailureAsync(long request, string reason, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE public.account_deletion_requests SET failures = failures + 1, last_error = @reason WHERE id = @request",
            new { request, reason }, cancellationToken: cancellation));
    }
}
