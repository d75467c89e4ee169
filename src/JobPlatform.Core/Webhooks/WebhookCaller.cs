using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Webhooks;

/// <summary>What came of a call. Immutable.</summary>
/// <param name="Fault">Null for a 2xx; otherwise one sentence without a secret.</param>
/// <param name="IsTemporary">True where the same call may succeed later.</param>
/// <param name="RetryAfter">How long to wait before that; null when it is not known.</param>
/// <param name="Answer">What is kept of the answer; null when there was none.</param>
public sealed record WebhookResult(string? Fault, bool IsTemporary, TimeSpan? RetryAfter, JsonElement? Answer);

/// <summary>Calls webhooks. Thread-safe.</summary>
public sealed class WebhookCaller(WebhookHandlerStore store, OutgoingHttp outgoing, AuditLog audit, TimeProvider clock)
{
    /// <summary>Calls a webhook once, whether it is enabled or not, as a run of a job <c>webhook-test</c> with an empty config.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="actor">Who wants it, for the audit log.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Null when there is no such webhook.</returns>
    public async Task<WebhookResult?> TestAsync(string key, Actor actor, CancellationToken cancellation = default)
    {
        if (await store.FindRowAsync(key, cancellation) is not { } row) return null;
        await audit.AppendAsync(new AuditEntry(actor, "webhook.tested", key), cancellation);
        return await CallAsync(row, new("webhook-test", Guid.CreateVersion7(clock.GetUtcNow()), 1, RunTrigger.Manual, null, new JsonObject()), cancellation);
    }

    /// <summary>Calls the webhook that was read.</summary>
    internal async Task<WebhookResult> CallAsync(WebhookRow row, WebhookEvent what, CancellationToken cancellation)
    {
        var webhook = row.ToWebhook();
        // A row can be written by hand, and the HTTP library lets a line end in a header pass: it would add headers.
        if (store.FindFaults(row) is { Count: > 0 } faults)
            return new($"The webhook '{row.Key}' cannot be called as it is: {string.Join(' ', faults)}", IsTemporary: false, null, null);
        var (secret, signingSecret) = store.Open(row);
        var recording = new WebhookRecording(Marks(webhook, secret, signingSecret));
        var body = what.ToBody();
        try
        {
            var answer = await outgoing.SendAsync(new OutgoingCall
            {
                Address = new Uri(webhook.Url),
                Source = AddressSource.Row,
                CreateRequest = () => WebhookRequest.Create(webhook, secret, signingSecret, what.RunId, clock.GetUtcNow(), body),
                TimeLimit = TimeSpan.FromSeconds(webhook.TimeoutSeconds),
                MostBytes = WebhookRecording.MostRead,
            }, cancellation);
            return new(answer.IsSuccess ? null : Describe(row.Key, answer, recording), answer.IsTemporary, answer.RetryAfter, recording.Record(answer));
        }
        catch (OutgoingException e)
        {
            return new($"The webhook '{row.Key}' has no answer: {recording.Redact(e.Message)}", e.IsTemporary, e.RetryAfter, null);
        }
    }

    private static string Describe(string key, OutgoingAnswer answer, WebhookRecording recording)
    {
        var status = recording.Redact($"{answer.Status} {answer.Reason}".TrimEnd());
        if (answer.Status is >= 300 and < 400)
            return $"The webhook '{key}' answered {status}: redirects are not followed. Set its URL to where it leads.";
        return recording.Excerpt(answer) is { Length: > 0 } excerpt
            ? $"The webhook '{key}' answered {status}: {excerpt}"
            : $"The webhook '{key}' answered {status}.";
    }

    // What a receiver that repeats its request would show.
    private static IEnumerable<string> Marks(Webhook webhook, string? secret, string? signingSecret)
    {
        if (secret is not null) yield return secret;
        if (secret is not null && webhook.Auth == WebhookAuth.Basic) yield return WebhookRequest.Credentials(webhook, secret);
        if (signingSecret is not null) yield return signingSecret;
        if (signingSecret is not null) yield return WebhookSignature.KeyOf(signingSecret);
    }
}
