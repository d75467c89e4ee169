using JobPlatform.Core.Database;
using JobPlatform.Core.Notifications;

namespace JobPlatform.Handlers.AiProviders;

/// <summary>Mails the admins about a provider, at most once an hour, whoever noticed it. Thread-safe.</summary>
public sealed class ProviderAlerts(PlatformDatabase database, IAdminNotifier notifier)
{
    /// <summary>Queues the mail, or counts it as held back.</summary>
    /// <returns>True when it was queued, or when no admin is known; false when one was within the pause.</returns>
    public async Task<bool> SendAsync(
        string provider, ProviderState state, string detail, IReadOnlyList<KeyValuePair<string, string>> details, TimeSpan pause, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var heldBack = await NotificationPause.TryBeginAsync(connection, $"llm:{provider}", pause, now, cancellation);
        if (heldBack is { } count)
        {
            var words = state switch
            {
                ProviderState.Low => "is low on credit",
                ProviderState.Exhausted => "is out of credit",
                ProviderState.Throttled => "is over its quota",
                ProviderState.Refused => "refuses the key",
                _ => "cannot be reached",
            };
            await notifier.NotifyAsync(connection, new()
            {
                Subject = $"[JobPlatform] {provider} {words}", Title = $"{provider} {words}", Tag = "llm-credit", Details = details,
                Body = count == 0 ? detail : $"{detail}\n{count} more {(count == 1 ? "alert was" : "alerts were")} held back since the last mail.",
            }, cancellation);
        }
        await transaction.CommitAsync(cancellation);
        return heldBack is not null;
    }
}
