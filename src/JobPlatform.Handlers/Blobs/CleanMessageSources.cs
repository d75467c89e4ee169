using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Blobs;

/// <summary>What the application says when the attachments of a message changed.</summary>
[EventType("message.attachments_changed", "Attachments of a message were added or removed.")]
public sealed record MessageAttachmentsChanged
{
    /// <summary>The message.</summary>
    [Description("The message whose attachments changed.")]
    public required long MessageId { get; init; }
}

/// <summary>Removes a message's file sources whose attachment it no longer has; pages that it was drawn from stay.</summary>
[JobHandler("clean-message-sources", "Removes file-source rows that a message no longer references after its attachments changed.",
    Tables = ["public.messages", "public.message_sources", BlobCleaner.Attachments], Settings = ["BLOB_URL"], IsDestructive = true)]
[OnEvent<MessageAttachmentsChanged>]
public sealed class CleanMessageSources(AppDatabase app) : JobHandler<CleanMessageSources.Config>
{
    /// <summary>What can be set: the event's field.</summary>
    public sealed record Config
    {
        /// <summary>The message.</summary>
        [Required, Description("The message whose attachments changed.")]
        public long? MessageId { get; init; }

        /// <summary>Counts instead of deleting.</summary>
        [DeletesMoreWhen(Becomes.False), Description("Change nothing; report what would be deleted.")]
        public bool DryRun { get; init; }
    }

    private const string Unreferenced =
        """
        FROM public.message_sources s
         WHERE s.message_id = @MessageId AND s.kind = 'file'
           AND NOT EXISTS (SELECT FROM public.message_attachments a WHERE a.message_id = s.message_id AND a.blob_path = s.reference)
        """;

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        if (config.DryRun)
            return RunOutcome.Success(new
            {
                dry_run = true,
                would_delete = await connection.ExecuteScalarAsync<long>(new CommandDefinition($"SELECT count(*) {Unreferenced}", config, cancellationToken: cancellation)),
            });
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Held, so that an attachment that is being added is seen: it waits here, or is waited for.
        await connection.ExecuteAsync(new CommandDefinition(
            "SELECT FROM public.messages WHERE id = @MessageId FOR UPDATE", config, transaction, cancellationToken: cancellation));
        var deleted = await connection.ExecuteAsync(new CommandDefinition($"DELETE {Unreferenced}", config, transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return RunOutcome.Success(new { deleted });
    }
}
