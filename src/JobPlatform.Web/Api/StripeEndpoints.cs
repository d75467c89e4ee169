using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using JobPlatform.Core;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary>What became of a webhook of Stripe.</summary>
internal sealed record StripeTaken
{
    /// <summary>The sync of the customer; null when there is nothing to sync.</summary>
    public required Guid? RunId { get; init; }

    /// <summary>Why there is nothing to sync.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ignored { get; init; }
}

/// <summary>
/// <c>POST /api/stripe/webhook</c>: takes Stripe's word only for which customer it is about; what changed is read from
/// Stripe. So events may come late, twice, or in the wrong order.
/// </summary>
internal static class StripeEndpoints
{
    private const string Handler = "sync-stripe";
    // Stripe's events have some KB; an invoice with hundreds of lines a few more.
    private const int MostBytes = 256 * 1024;

    public static void MapStripe(this IEndpointRouteBuilder api) =>
        api.MapPost("/stripe/webhook", TakeAsync)
            // Stripe has no key of ours; its signature is checked here. It sends in bursts, from few addresses, so that the
            // limit of strangers would make it lose events.
            .RequireAccess(Access.Anyone).DisableRateLimiting().Describe(new("stripe", "Take an event of Stripe, signed by it, and sync its customer's subscriptions.")
            {
                Answer = typeof(StripeTaken), Problems = ["401 signature-invalid", "409 no-such-job", "409 job-disabled", "413 body-too-large"],
            });

    private static async Task<IResult> TakeAsync(
        HttpRequest request, PlatformSettings settings, JobStore jobs, RunEnqueuer enqueuer, RunStore runs, RunAnswers answers, TimeProvider clock, CancellationToken cancellation)
    {
        if (request.ContentLength > MostBytes) return TooLarge;
        var read = await request.BodyReader.ReadAtLeastAsync(MostBytes + 1, cancellation);
        var body = read.Buffer.Length > MostBytes ? null : read.Buffer.ToArray();
        request.BodyReader.AdvanceTo(read.Buffer.End);
        if (body is null) return TooLarge;
        if (!StripeSignature.IsGood(request.Headers["Stripe-Signature"], body, settings.Stripe.WebhookSecrets, clock.GetUtcNow()))
            return new Problem(StatusCodes.Status401Unauthorized, "signature-invalid", "The signature is not Stripe's.",
                "The header Stripe-Signature must be made with the server's STRIPE_WEBHOOK_SECRET, at most five minutes ago, over the body as it is sent.");
        var (customer, ignored) = Read(body, settings.Stripe.IsLive);
        if (customer is null) return ApiJson.Answer(new StripeTaken { RunId = null, Ignored = ignored });
        if (await jobs.FindOfHandlerAsync(Handler, cancellation) is not { } job)
            return new Problem(StatusCodes.Status409Conflict, "no-such-job", "There is no job to run.", $"No job has the handler {Handler}. 'jobplatform init' makes it.");
        var answer = await EnqueueAsync(job, customer, enqueuer, runs, cancellation);
        return answer switch
        {
            RunAnswer.Enqueued enqueued => ApiJson.Answer(new StripeTaken { RunId = enqueued.RunId }),
            RunAnswer.Existing existing => ApiJson.Answer(new StripeTaken { RunId = existing.RunId }),
            _ => await answers.ToResultAsync(request.HttpContext, answer, cancellation),
        };
    }

    // A run that waits will see what has changed; one that is at work may have read it before. So there are two keys, and
    // at most one run that works beside one that waits.
    private static async Task<RunAnswer> EnqueueAsync(string job, string customer, RunEnqueuer enqueuer, RunStore runs, CancellationToken cancellation)
    {
        var payload = JsonSerializer.SerializeToElement(new { customer }, PlatformJson.Options);
        RunAnswer answer = new RunAnswer.UnknownJob(job);
        foreach (var key in new[] { $"stripe:{customer}", $"stripe:{customer}:next" })
        {
            answer = await enqueuer.EnqueueAsync(
                new() { JobName = job, Trigger = RunTrigger.Event, TriggeredBy = "stripe", Payload = payload, DedupKey = key }, cancellation);
            if (answer is not RunAnswer.Existing existing || await runs.FindAsync(existing.RunId, cancellation) is { Status: RunStatus.Queued or RunStatus.Retrying }) break;
        }
        return answer;
    }

    private static (string? Customer, string? Ignored) Read(byte[] body, bool isLive)
    {
        try
        {
            var occurred = JsonElement.Parse(body);
            if (occurred.GetProperty("livemode").GetBoolean() != isLive)
                return (null, $"The event is of {(isLive ? "test" : "live")} mode, and STRIPE_SECRET_KEY is not.");
            var subject = occurred.GetProperty("data").GetProperty("object");
            var customer = subject.GetProperty("object").ValueEquals("customer") ? subject.GetProperty("id") : subject.GetProperty("customer");
            return (customer.GetString(), customer.ValueKind == JsonValueKind.Null ? "The event names no customer." : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return (null, "The event is of no customer.");
        }
    }

    private static Problem TooLarge => new(StatusCodes.Status413PayloadTooLarge, "body-too-large", "The body is too large.", $"The body has more than {MostBytes} bytes; no event of Stripe has.");
}
