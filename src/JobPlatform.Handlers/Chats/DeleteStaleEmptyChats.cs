using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Chats;

/// <summary>
/// Deletes chats that were opened and never used. A message in the making holds its chat (by its foreign key), so that
/// the chat is left alone; one that begins after the chat is locked finds no chat.
/// </summary>
[JobHandler("delete-stale-empty-chats", "Deletes chats without any message that are older than minutes.",
    Cron = "0 */12 * * *", Tables = ["public.chats", "public.messages"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class DeleteStaleEmptyChats(AppDatabase app, Purger purger) : JobHandler<DeleteStaleEmptyChats.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Minutes since the chat was opened.</summary>
        [Range(1, 525_600), DeletesMoreWhen(Becomes.Lower), Description("Minutes since a chat was opened after which it is deleted if it is still empty.")]
        public int Minutes { get; init; } = 15;
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.chats", "created_at", run.Clock.GetUtcNow().AddMinutes(-config.Minutes))
            {
                AlsoElsewhere = "NOT EXISTS (SELECT FROM public.messages m WHERE m.chat_id = t.id)",
            });
}
