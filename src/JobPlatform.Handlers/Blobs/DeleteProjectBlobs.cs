using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Blobs;

/// <summary>What the application says when a project is gone, best in the same transaction.</summary>
[EventType("project.deleted", "A project was deleted, with its chats.")]
public sealed record ProjectDeleted
{
    /// <summary>The project.</summary>
    [Description("The project that was deleted.")]
    public required long ProjectId { get; init; }

    /// <summary>Its chats; afterwards nobody knows which they were.</summary>
    [Description("The chats that were deleted with it.")]
    public long[] ChatIds { get; init; } = [];
}

/// <summary>
/// Deletes the files of a deleted project and of its chats: what lies under <c>projects/{project}/</c> and
/// <c>chats/{chat}/</c> and no other row names. While one of them is still there the run fails and is tried again.
/// </summary>
[JobHandler("delete-project-blobs", "Deletes the stored files of a deleted project and of its chats.",
    Tables = ["public.projects", "public.chats", BlobCleaner.Attachments, BlobCleaner.ProjectFiles], Settings = ["BLOB_URL"], IsDestructive = true)]
[OnEvent<ProjectDeleted>]
public sealed class DeleteProjectBlobs(AppDatabase app, BlobCleaner cleaner) : JobHandler<DeleteProjectBlobs.Config>
{
    /// <summary>What can be set: the event's fields, and the limits.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>The project.</summary>
        [Required, Description("The project that was deleted.")]
        public long? ProjectId { get; init; }

        /// <summary>Its chats.</summary>
        [Description("The chats that were deleted with it.")]
        public long[] ChatIds { get; init; } = [];
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        await using (var connection = await app.OpenAsync(cancellation))
            if (await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
                    """
                    SELECT 'project_id: the project ' || id FROM public.projects WHERE id = @ProjectId
                    UNION ALL SELECT 'chat_ids: the chat ' || id FROM public.chats WHERE id = ANY(@ChatIds)
                    LIMIT 1
                    """, new { config.ProjectId, config.ChatIds }, cancellationToken: cancellation)) is { } there)
                return RunOutcome.Fail($"{there} is still there, and so its blobs stay.");
        return await cleaner.RunAsync(
            [BlobPath.Of("projects", config.ProjectId!.Value), .. config.ChatIds.Distinct().Select(chat => DeleteChatBlobs.Folder(chat))], storedBefore: null, config, run, cancellation);
    }
}
