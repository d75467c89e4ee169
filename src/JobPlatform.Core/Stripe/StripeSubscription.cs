using System.Globalization;
using System.Text.Json;

namespace JobPlatform.Core.Stripe;

/// <summary>A subscription as Stripe has it, with what the platform keeps of it. Immutable.</summary>
public sealed record StripeSubscription
{
    /// <summary>Stripe's id, <c>sub_…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The customer's id, <c>cus_…</c>.</summary>
    public required string Customer { get; init; }

    /// <summary>Stripe's word: incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid or paused.</summary>
    public required string Status { get; init; }

    /// <summary>The first item's price: its lookup key, or its id where it has none.</summary>
    public required string Plan { get; init; }

    /// <summary>The first item's quantity; 1 where it is metered.</summary>
    public required long Quantity { get; init; }

    /// <summary>What all items together cost in one interval, in the currency's minor unit, perhaps with a fraction of it; metered and tiered prices count nothing.</summary>
    public required decimal Amount { get; init; }

    /// <summary>Three small letters.</summary>
    public required string Currency { get; init; }

    /// <summary>day, week, month or year.</summary>
    public required string Interval { get; init; }

    /// <summary>How many of them a period has, at least 1.</summary>
    public required int IntervalCount { get; init; }

    /// <summary>When the paid period ends.</summary>
    public required DateTimeOffset? CurrentPeriodEnd { get; init; }

    /// <summary>True when it ends with the period.</summary>
    public required bool CancelAtPeriodEnd { get; init; }

    /// <summary>True while payments are not collected (<c>pause_collection</c>); the status stays as it was.</summary>
    public required bool IsPaused { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When its trial ends or ended; null for none.</summary>
    public required DateTimeOffset? TrialEndsAt { get; init; }

    /// <summary>When it ended; null while it lives.</summary>
    public required DateTimeOffset? EndedAt { get; init; }

    /// <summary>Reads Stripe's object.</summary>
    /// <param name="json">The object.</param>
    /// <param name="items">Its items, all of them.</param>
    /// <exception cref="KeyNotFoundException">A field is missing.</exception>
    /// <exception cref="InvalidOperationException">A field is of another kind.</exception>
    internal static StripeSubscription Parse(JsonElement json, IReadOnlyList<JsonElement> items)
    {
        var first = items[0];
        var price = first.GetProperty("price");
        var recurring = price.GetProperty("recurring");
        var interval = recurring.GetProperty("interval").GetString()!;
        var intervalCount = recurring.GetProperty("interval_count").GetInt32();
        return new()
        {
            Id = json.GetProperty("id").GetString()!,
            // An id, or the object where somebody expanded it.
            Customer = json.GetProperty("customer") is { ValueKind: JsonValueKind.String } id ? id.GetString()! : json.GetProperty("customer").GetProperty("id").GetString()!,
            Status = json.GetProperty("status").GetString()!,
            Plan = Text(price, "lookup_key") ?? price.GetProperty("id").GetString()!,
            Quantity = Number(first, "quantity") ?? 1,
            Amount = items.Sum(item => AmountOf(item, Months(interval, intervalCount))),
            Currency = json.GetProperty("currency").GetString()!,
            Interval = interval,
            IntervalCount = intervalCount,
            CurrentPeriodEnd = items.Max(item => Time(item, "current_period_end")),
            CancelAtPeriodEnd = json.GetProperty("cancel_at_period_end").GetBoolean(),
            IsPaused = json.TryGetProperty("pause_collection", out var pause) && pause.ValueKind == JsonValueKind.Object,
            StartedAt = Time(json, "start_date") ?? Time(json, "created")!.Value,
            TrialEndsAt = Time(json, "trial_end"),
            EndedAt = Time(json, "ended_at"),
        };
    }

    /// <summary>How many mean months (of 365.2425 days a year) an interval has.</summary>
    internal static decimal Months(string interval, int count) => count * interval switch
    {
        "year" => 12m,
        "month" => 1m,
        "week" => 7m * 12m / 365.2425m,
        "day" => 12m / 365.2425m,
        _ => throw new InvalidOperationException($"The interval '{interval}' is none of day, week, month and year."),
    };

    // Items may be billed at another pace than the first, such as a yearly seat with a monthly add-on.
    private static decimal AmountOf(JsonElement item, decimal months)
    {
        var price = item.GetProperty("price");
        if (Text(price, "unit_amount_decimal") is not { } amount) return 0;
        var recurring = price.GetProperty("recurring");
        var own = Months(recurring.GetProperty("interval").GetString()!, recurring.GetProperty("interval_count").GetInt32());
        var cost = decimal.Parse(amount, NumberStyles.Number, CultureInfo.InvariantCulture) * (Number(item, "quantity") ?? 0);
        return own == months ? cost : Math.Round(cost * months / own, 6);
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;

    private static DateTimeOffset? Time(JsonElement json, string name) => Number(json, name) is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
