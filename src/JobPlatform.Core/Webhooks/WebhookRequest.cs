using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Webhooks;

/// <summary>What a receiver is told of a run. Immutable.</summary>
/// <param name="Job">The job's name.</param>
/// <param name="RunId">The run: also the header <c>webhook-id</c>, the same in every attempt, so that a receiver can drop repeats.</param>
/// <param name="Attempt">The number of this attempt; the first is 1.</param>
/// <param name="Trigger">Why the run exists.</param>
/// <param name="ScheduledFor">The due time that a cron run stands for.</param>
/// <param name="Config">The job's config with the run's payload laid over it.</param>
public sealed record WebhookEvent(string Job, Guid RunId, int Attempt, RunTrigger Trigger, DateTimeOffset? ScheduledFor, JsonObject Config)
{
    /// <summary>The body of the request: a JSON object with <c>job</c>, <c>run_id</c>, <c>attempt</c>, <c>trigger</c>,
    /// <c>scheduled_for</c> (or null) and <c>config</c>.</summary>
    public byte[] ToBody()
    {
        using var body = new MemoryStream();
        // Not by the serializer: a config that was written by SQL may be nested deeper than it goes.
        using (var writer = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = PlatformJson.Options.Encoder, MaxDepth = 1000 }))
        {
            writer.WriteStartObject();
            writer.WriteString("job", Job);
            writer.WriteString("run_id", RunId);
            writer.WriteNumber("attempt", Attempt);
            writer.WriteString("trigger", Trigger.ToString().ToLowerInvariant());
            if (ScheduledFor is { } due) writer.WriteString("scheduled_for", due.UtcDateTime);
            else writer.WriteNull("scheduled_for");
            writer.WritePropertyName("config");
            Config.WriteTo(writer);
            writer.WriteEndObject();
        }
        return body.ToArray();
    }
}

/// <summary>The HTTP request of a webhook's call.</summary>
internal static class WebhookRequest
{
    /// <param name="webhook">The definition.</param>
    /// <param name="secret">The auth's secret; null where it has none.</param>
    /// <param name="signingSecret">The signing secret; null for an unsigned call.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="now">The header <c>webhook-timestamp</c>.</param>
    /// <param name="body">The body.</param>
    public static HttpRequestMessage Create(Webhook webhook, string? secret, string? signingSecret, Guid id, DateTimeOffset now, byte[] body)
    {
        var request = new HttpRequestMessage { Method = new HttpMethod(webhook.Method), Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        foreach (var (name, value) in webhook.Headers) Add(request, name, value);
        request.Headers.UserAgent.ParseAdd("JobPlatform");
        request.Headers.Add("webhook-id", id.ToString());
        var seconds = now.ToUnixTimeSeconds();
        request.Headers.Add("webhook-timestamp", seconds.ToString(CultureInfo.InvariantCulture));
        if (signingSecret is not null)
            request.Headers.Add("webhook-signature", WebhookSignature.Sign(signingSecret, id.ToString(), seconds, body));
        switch (webhook.Auth)
        {
            case WebhookAuth.Bearer:
                Add(request, "Authorization", $"Bearer {secret}");
                break;
            case WebhookAuth.Basic:
                Add(request, "Authorization", $"Basic {Credentials(webhook, secret!)}");
                break;
            case WebhookAuth.ApiKey or WebhookAuth.Header:
                Add(request, webhook.AuthName!, secret!);
                break;
        }
        return request;
    }

    // Some headers, such as Content-Language, belong to the content.
    private static void Add(HttpRequestMessage request, string name, string value)
    {
        if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content!.Headers.TryAddWithoutValidation(name, value);
    }

    /// <summary>User and password as they are sent.</summary>
    public static string Credentials(Webhook webhook, string secret) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{webhook.AuthName}:{secret}"));
}
