using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Testing;

/// <summary>A subscription as Stripe would have it.</summary>
public sealed record StubSubscription(string Id, string Customer)
{
    public string Status { get; init; } = "active";

    public string Price { get; init; } = "price_pro";

    public string? LookupKey { get; init; } = "pro_month";

    public long? Quantity { get; init; } = 1;

    public decimal? UnitAmount { get; init; } = 2900;

    public string Currency { get; init; } = "eur";

    public string Interval { get; init; } = "month";

    public int IntervalCount { get; init; } = 1;

    public DateTimeOffset PeriodEnd { get; init; } = new(2026, 12, 31, 12, 0, 0, TimeSpan.Zero);

    public bool CancelAtPeriodEnd { get; init; }

    public bool IsPaused { get; init; }

    public DateTimeOffset StartedAt { get; init; } = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public DateTimeOffset? TrialEndsAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Further items, as unit amount and interval.</summary>
    public IReadOnlyList<(decimal UnitAmount, string Interval)> AddOns { get; init; } = [];

    /// <summary>How many of the items the list shows; the rest must be asked for.</summary>
    public int ShownItems { get; init; } = int.MaxValue;

    internal object ToJson() => new
    {
        id = Id, @object = "subscription", customer = Customer, status = Status, currency = Currency, cancel_at_period_end = CancelAtPeriodEnd,
        pause_collection = IsPaused ? new { behavior = "void" } : null, start_date = StartedAt.ToUnixTimeSeconds(), created = StartedAt.ToUnixTimeSeconds(),
        trial_end = TrialEndsAt?.ToUnixTimeSeconds(), ended_at = EndedAt?.ToUnixTimeSeconds(),
        items = new { data = Items().Take(ShownItems), has_more = Items().Count() > ShownItems },
        metadata = new { note = "as long as such things are, to give a page the size that it has at Stripe" },
    };

    internal IEnumerable<object> Items()
    {
        yield return Item($"si_{Id}", Price, LookupKey, UnitAmount, Interval, IntervalCount, Quantity);
        foreach (var (number, addOn) in AddOns.Index()) yield return Item($"si_{Id}_{number}", $"price_addon_{number}", null, addOn.UnitAmount, addOn.Interval, 1, 1);
    }

    private object Item(string id, string price, string? lookupKey, decimal? amount, string interval, int count, long? quantity) => new
    {
        id, quantity, current_period_end = PeriodEnd.ToUnixTimeSeconds(),
        price = new { id = price, lookup_key = lookupKey, unit_amount_decimal = amount?.ToString(CultureInfo.InvariantCulture), recurring = new { interval, interval_count = count } },
    };
}

/// <summary>
/// A server that speaks the part of Stripe's API that the platform uses: newest first, cursors, events, errors as Stripe
/// words them. Thread-safe.
/// </summary>
public sealed class StripeStub : IAsyncDisposable
{
    /// <summary>The one key that it knows.</summary>
    public const string Key = "sk_test_51StubStubStubStub";

    private readonly Lock _gate = new();
    private readonly List<StubSubscription> _rows = []; // Oldest first.
    private readonly Dictionary<string, int> _places = [];
    private readonly List<(string Id, string Subject, long Created)> _events = [];
    private readonly ConcurrentQueue<(int Status, int? RetryAfter)> _faults = new();
    private HttpReceiver _server = null!;

    /// <summary>Where it is.</summary>
    public Uri Url => new($"http://127.0.0.1:{_server.Port}");

    /// <summary>What was asked.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => _server.Requests;

    /// <summary>Called after each page of subscriptions that was given, with its number from 1.</summary>
    public Action<int>? PageGiven { get; set; }

    /// <summary>The subscriptions as they are now.</summary>
    public IReadOnlyList<StubSubscription> Rows
    {
        get
        {
            lock (_gate) return [.. _rows];
        }
    }

    public static async Task<StripeStub> StartAsync()
    {
        var stub = new StripeStub();
        stub._server = await HttpReceiver.StartAsync(stub.AnswerAsync);
        return stub;
    }

    /// <summary>Makes or changes a subscription; an event tells it.</summary>
    public void Put(StubSubscription row, bool tells = true)
    {
        lock (_gate)
        {
            if (_places.TryGetValue(row.Id, out var place)) _rows[place] = row;
            else
            {
                _places[row.Id] = _rows.Count;
                _rows.Add(row);
            }
            if (tells) _events.Add(($"evt_{_events.Count}", row.Id, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));
        }
    }

    /// <summary>Answers the next requests with a failure each.</summary>
    public void Fail(int times, int status, int? retryAfter = null)
    {
        for (var i = 0; i < times; i++) _faults.Enqueue((status, retryAfter));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        if (http.Request.Headers.Authorization != $"Bearer {Key}")
        {
            await RefuseAsync(http, 401, "Invalid API Key provided: sk_test_****");
            return;
        }
        if (_faults.TryDequeue(out var fault))
        {
            if (fault.RetryAfter is { } seconds) http.Response.Headers.RetryAfter = $"{seconds}";
            await RefuseAsync(http, fault.Status, "As the test wants it.");
            return;
        }
        var path = http.Request.Path.Value!;
        if (path == "/v1/subscriptions") await ListAsync(http);
        else if (path == "/v1/events") await ListEventsAsync(http);
        else if (path == "/v1/subscription_items") await ListItemsAsync(http);
        else if (path.StartsWith("/v1/subscriptions/", StringComparison.Ordinal)) await AnswerOneAsync(http, path["/v1/subscriptions/".Length..]);
        else await RefuseAsync(http, 404, $"Unrecognized request URL ({path}).");
    }

    private async Task ListAsync(HttpContext http)
    {
        var customer = http.Request.Query["customer"].ToString();
        List<StubSubscription> page = [];
        bool hasMore;
        lock (_gate)
        {
            var after = http.Request.Query["starting_after"].ToString();
            var place = after.Length == 0 ? _rows.Count - 1 : _places[after] - 1;
            var limit = int.Parse(http.Request.Query["limit"].ToString(), CultureInfo.InvariantCulture);
            for (; place >= 0 && page.Count < limit; place--)
                if (customer.Length == 0 || _rows[place].Customer == customer) page.Add(_rows[place]);
            hasMore = place >= 0;
        }
        await http.Response.WriteAsJsonAsync(new { @object = "list", data = page.Select(row => row.ToJson()), has_more = hasMore });
        PageGiven?.Invoke(Requests.Count(request => request.Path.StartsWith("/v1/subscriptions?", StringComparison.Ordinal)));
    }

    private async Task ListEventsAsync(HttpContext http)
    {
        var since = long.Parse(http.Request.Query["created[gte]"].ToString(), CultureInfo.InvariantCulture);
        object[] events;
        lock (_gate)
            events = [.. _events.Where(one => one.Created >= since).Reverse().Select(one => new
            {
                id = one.Id, @object = "event", data = new { @object = new { id = one.Subject, customer = _rows[_places[one.Subject]].Customer } },
            })];
        await http.Response.WriteAsJsonAsync(new { @object = "list", data = events, has_more = false });
    }

    private async Task ListItemsAsync(HttpContext http)
    {
        StubSubscription row;
        lock (_gate) row = _rows[_places[http.Request.Query["subscription"].ToString()]];
        await http.Response.WriteAsJsonAsync(new { @object = "list", data = row.Items(), has_more = false });
    }

    private async Task AnswerOneAsync(HttpContext http, string id)
    {
        StubSubscription? row = null;
        lock (_gate)
        {
            if (_places.TryGetValue(id, out var place)) row = _rows[place];
            if (row is not null && HttpMethods.IsDelete(http.Request.Method) && row.EndedAt is null)
            {
                row = row with { Status = "canceled", EndedAt = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()) };
                _rows[place] = row;
            }
        }
        if (row is null) await RefuseAsync(http, 404, $"No such subscription: '{id}'");
        else await http.Response.WriteAsJsonAsync(row.ToJson());
    }

    private static Task RefuseAsync(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        http.Response.Headers["Request-Id"] = "req_stub";
        return http.Response.WriteAsJsonAsync(new { error = new { message, type = "invalid_request_error" } });
    }
}
