using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Stripe;

/// <summary>
/// The part of Stripe's API that the platform uses, over the one way out. Lists are streams of pages; 429, 5xx and broken
/// connections are tried again, as Retry-After says. Thread-safe.
/// </summary>
public sealed class StripeClient(StripeSettings settings, OutgoingHttp http)
{
    /// <summary>The form of requests and answers, whatever version the account has by default.</summary>
    public const string ApiVersion = "2025-03-31.basil";

    private const int PageSize = 100;
    // A hundred subscriptions have 200 to 500 KB; with many items a few more.
    private const int MostBytes = 16 * 1024 * 1024;
    private const int Retries = 5;

    /// <summary>All subscriptions, ended ones included, newest first, in pages of a hundred.</summary>
    /// <param name="customer">Only this customer's; null for all.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="StripeException">A page has no good answer.</exception>
    public async IAsyncEnumerable<IReadOnlyList<StripeSubscription>> ListSubscriptionsAsync(
        string? customer, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var filter = customer is null ? "status=all" : $"status=all&customer={Uri.EscapeDataString(customer)}";
        await foreach (var page in ListAsync("/v1/subscriptions", filter, cancellation))
        {
            var subscriptions = new List<StripeSubscription>(page.Count);
            foreach (var json in page) subscriptions.Add(await ReadAsync(json, cancellation));
            yield return subscriptions;
        }
    }

    /// <summary>The ids of subscriptions that something happened to since a time, by Stripe's events of the last 30 days.</summary>
    public async Task<IReadOnlySet<string>> FindChangedAsync(DateTimeOffset since, string? customer, CancellationToken cancellation)
    {
        var changed = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var page in ListAsync("/v1/events", $"type=customer.subscription.*&created[gte]={since.ToUnixTimeSeconds()}", cancellation))
            foreach (var occurred in page)
                if (Understand(() => occurred.GetProperty("data").GetProperty("object") is var subject
                        && (customer is null || subject.GetProperty("customer").GetString() == customer) ? subject.GetProperty("id").GetString() : null) is { } id)
                    changed.Add(id);
        return changed;
    }

    /// <summary>One subscription; null when Stripe has none of that id.</summary>
    public async Task<StripeSubscription?> FindSubscriptionAsync(string id, CancellationToken cancellation)
    {
        try
        {
            return await ReadAsync(await SendAsync(HttpMethod.Get, $"/v1/subscriptions/{Uri.EscapeDataString(id)}", null, cancellation), cancellation);
        }
        catch (StripeException e) when (e.Fault == StripeFault.NotFound)
        {
            return null;
        }
    }

    /// <summary>Ends a subscription at once, without a refund.</summary>
    /// <param name="id">The subscription.</param>
    /// <param name="idempotencyKey">The same for each try of the same intent: run id and step.</param>
    /// <param name="cancellation">Ends the wait; it may have been canceled.</param>
    /// <returns>False when Stripe has no such subscription that could still be ended.</returns>
    public async Task<bool> CancelSubscriptionAsync(string id, string idempotencyKey, CancellationToken cancellation)
    {
        if (await FindSubscriptionAsync(id, cancellation) is not { EndedAt: null, Status: not ("canceled" or "incomplete_expired") }) return false;
        try
        {
            await SendAsync(HttpMethod.Delete, $"/v1/subscriptions/{Uri.EscapeDataString(id)}", idempotencyKey, cancellation);
            return true;
        }
        // Somebody else was faster.
        catch (StripeException e) when (e.Fault == StripeFault.NotFound)
        {
            return false;
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<JsonElement>> ListAsync(
        string path, string filter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? last = null;
        while (true)
        {
            var cursor = last is null ? "" : $"&starting_after={Uri.EscapeDataString(last)}";
            var page = await SendAsync(HttpMethod.Get, $"{path}?limit={PageSize}&{filter}{cursor}", null, cancellation);
            var (rows, hasMore) = Understand(() => (page.GetProperty("data").EnumerateArray().ToList(), page.GetProperty("has_more").GetBoolean()));
            if (rows.Count > 0) yield return rows;
            if (!hasMore || rows.Count == 0) yield break;
            last = Understand(() => rows[^1].GetProperty("id").GetString()!);
        }
    }

    private async Task<StripeSubscription> ReadAsync(JsonElement json, CancellationToken cancellation)
    {
        var (items, hasMore) = Understand(() => json.GetProperty("items") is var list
            ? (list.GetProperty("data").EnumerateArray().ToList(), list.TryGetProperty("has_more", out var more) && more.GetBoolean()) : default);
        if (hasMore)
        {
            items.Clear();
            var id = Understand(() => json.GetProperty("id").GetString()!);
            await foreach (var page in ListAsync("/v1/subscription_items", $"subscription={Uri.EscapeDataString(id)}", cancellation)) items.AddRange(page);
        }
        return Understand(() => StripeSubscription.Parse(json, items));
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string pathAndQuery, string? idempotencyKey, CancellationToken cancellation)
    {
        if (settings.SecretKey is not { } key)
            throw new StripeException(StripeFault.NotConfigured, "STRIPE_SECRET_KEY: it is not set. Give Stripe's secret key, sk_test_… or sk_live_…, or disable the job.");
        try
        {
            var answer = await http.SendAsync(new OutgoingCall
            {
                Address = new Uri(settings.ApiUrl, pathAndQuery),
                Source = AddressSource.Settings,
                Retries = Retries,
                MostBytes = MostBytes,
                CreateRequest = () =>
                {
                    var request = new HttpRequestMessage { Method = method };
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
                    request.Headers.Add("Stripe-Version", ApiVersion);
                    if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
                    return request;
                },
            }, cancellation);
            if (!answer.IsSuccess) throw Describe(answer);
            if (answer.IsTruncated) throw new StripeException(StripeFault.NotUnderstood, $"Stripe's answer has more than {MostBytes:N0} bytes.");
            return JsonElement.Parse(answer.Body.Span);
        }
        catch (OutgoingException e)
        {
            throw new StripeException(StripeFault.Unavailable, $"Stripe: {e.Message}", e.RetryAfter, e);
        }
        catch (JsonException e)
        {
            throw NotUnderstood(e);
        }
    }

    private StripeException Describe(OutgoingAnswer answer)
    {
        var said = ReadError(answer);
        var request = answer.Headers.TryGetValues("Request-Id", out var ids) ? $" (request {ids.First()})" : "";
        return answer.Status switch
        {
            401 => new(StripeFault.KeyRefused, $"STRIPE_SECRET_KEY: Stripe does not know this key{request}. It was revoked, or belongs to another account; set the present one."),
            403 => new(StripeFault.KeyRefused, $"STRIPE_SECRET_KEY: Stripe says that this key may not do this{request}: {said} Give a restricted key the right to read subscriptions and events and to write subscriptions."),
            404 => new(StripeFault.NotFound, $"Stripe has no such object for this key{(settings.IsLive ? "" : ", which is a test key")}{request}: {said}"),
            429 => new(StripeFault.Throttled, $"Stripe asks to come less often (429){request}.", answer.RetryAfter),
            >= 500 => new(StripeFault.Unavailable, $"Stripe answers {answer.Status}{request}: {said}", answer.RetryAfter),
            _ => new(StripeFault.Refused, $"Stripe refuses the request ({answer.Status}){request}: {said}"),
        };
    }

    private static string ReadError(OutgoingAnswer answer)
    {
        try
        {
            return JsonElement.Parse(answer.Body.Span).GetProperty("error").GetProperty("message").GetString() ?? answer.Reason;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"{answer.Reason}, without a word of Stripe's own.";
        }
    }

    private static T Understand<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or ArgumentException)
        {
            throw NotUnderstood(e);
        }
    }

    private static StripeException NotUnderstood(Exception e) =>
        new(StripeFault.NotUnderstood, $"The answer is not of the form that Stripe gives at version {ApiVersion} ({e.Message.TrimEnd('.')}). Check STRIPE_API_URL.", null, e);
}
