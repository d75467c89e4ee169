using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Blobs;

/// <summary>What the application says when a chat is gone, best in the same transaction.</summary>
[EventType("chat.deleted", "A chat was deleted.")]
public sealed record ChatDeleted
{
    /// <summary>The chat.</summary>
    [Description("The chat that was deleted.")]
    public required long ChatId { get; init; }
}

/// <summary>
/// Deletes the attachments of a deleted chat: what lies under <c>chats/{chat}/</c> and no other row names. While the
/// chat is still there the run fails and is tried again.
/// </summary>
[JobHandler("delete-chat-blobs", "Deletes the stored attachments of a deleted chat.",
    Tables = ["public.chats", BlobCleaner.Attachments, BlobCleaner.ProjectFiles], Settings = ["BLOB_URL"], IsDestructive = true)]
[OnEvent<ChatDeleted>]
public sealed class DeleteChatBlobs(AppDatabase app, BlobCleaner cleaner) : JobHandler<DeleteChatBlobs.Config>
{
    /// <summary>What can be set: the event's field, and the limits.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>The chat.</summary>
        [Required, Description("The chat that was deleted.")]
        public long? ChatId { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        await using (var connection = await app.OpenAsync(cancellation))
            if (await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                    "SELECT EXISTS (SELECT FROM public.chats WHERE id = @ChatId)", new { config.ChatId }, cancellationToken: cancellation)))
                return RunOutcome.Fail($"chat_id: the chat {config.ChatId} is still there, and so its blobs stay.");
        return await cleaner.RunAsync([Folder(config.ChatId!.Value)], storedBefore: null, config, run, cancellation);
    }

    /// <summary>Where a chat's attachments lie.</summary>
    internal static BlobPath Folder(long chatId) => BlobPath.Of("chats", chatId);
}
