using System.Text.Json;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Core.Jobs;

/// <summary>A definition that somebody proposes, and all that is wrong with it. Immutable.</summary>
/// <param name="Definition">The definition; null when a field cannot be read.</param>
/// <param name="Faults">Why it must not be stored; empty when it may be.</param>
public sealed record JobDraft(JobDefinition? Definition, IReadOnlyList<ConfigFault> Faults);

/// <summary>What a definition would mean. Immutable.</summary>
public sealed record JobPreview
{
    /// <summary>Why it must not be stored; empty when it may be.</summary>
    public required IReadOnlyList<ConfigFault> Faults { get; init; }

    /// <summary>What would keep it from running although it may be stored, each a sentence.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The cron expression in English; null when there is none that can be read.</summary>
    public string? Description { get; init; }

    /// <summary>The next due times in UTC.</summary>
    public IReadOnlyList<DateTimeOffset> NextDueTimes { get; init; } = [];
}

/// <summary>Checks definitions before they are stored: each field, and whether they fit each other. Thread-safe.</summary>
public sealed class JobDrafts(HandlerCatalog catalog, WebhookHandlerStore webhooks, AddressGuard guard, AppDatabase app, TimeProvider clock)
{
    private const int NextTimes = 10;

    /// <summary>Reads the fields of a draft, laid over a definition that is there.</summary>
    /// <param name="draft">A JSON object with the fields of <see cref="JobDefinition"/> that are to be set.</param>
    /// <param name="before">What is there; null for a new job.</param>
    /// <param name="cancellation">Ends the look for the handler.</param>
    public async Task<JobDraft> ReadAsync(JsonElement draft, JobDefinition? before, CancellationToken cancellation = default)
    {
        // Without its config, which SQL may have nested deeper than the reader goes.
        var based = before is null ? JobDefinition.NoConfig : JsonSerializer.SerializeToElement<JobDefinition>(before with { Config = JobDefinition.NoConfig }, PlatformJson.Options);
        var (read, faults) = ConfigReader.Read(typeof(JobDefinition), based, draft);
        if (read is not JobDefinition definition) return new(null, faults);
        if (before is not null && !draft.TryGetProperty("config", out _)) definition = definition with { Config = before.Config };
        return new(definition, await FindFaultsAsync(definition, cancellation));
    }

    /// <summary>Everything for which a definition must not be stored.</summary>
    public async Task<IReadOnlyList<ConfigFault>> FindFaultsAsync(JobDefinition definition, CancellationToken cancellation = default)
    {
        var faults = new List<ConfigFault>();
        if (definition.CronExpression is { } cron && !CronExpression.TryParse(cron, definition.Name, out _, out var unreadable))
            faults.Add(new("cron_expression", unreadable));
        if (!TimeZones.TryFind(definition.TimeZone, out _, out var unknown)) faults.Add(new("time_zone", unknown));
        if (!RetryPolicy.TryParse(definition.RetryDelays, out _, out var retries)) faults.Add(new("retry_delays", retries!["retry_delays: ".Length..]));
        if (definition.PingUrl is { } ping && guard.FindFault(ping) is { } address) faults.Add(new("ping_url", address));
        if (definition.Config.ValueKind != JsonValueKind.Object)
            faults.Add(new("config", $"a JSON {definition.Config.ValueKind.ToString().ToLowerInvariant()} is not an object such as {{\"days_to_keep\": 7}}."));
        else if (catalog.Find(definition.Handler) is { } handler)
            faults.AddRange(ConfigReader.FindFaults(handler.ConfigType, definition.Config, definition.CronExpression is not null)
                .Select(fault => fault with { Field = fault.Field.Length == 0 ? "config" : $"config.{fault.Field}" }));
        if (catalog.Find(definition.Handler) is null
            && await webhooks.FindLikeAsync(definition.Handler, cancellation) is var like && !like.ContainsKey(definition.Handler))
            faults.Add(new("handler", catalog.DescribeUnknown(definition.Handler, like.Keys)));
        return faults;
    }

    /// <summary>The fields by which a definition would let its destructive handler delete more than before.</summary>
    /// <param name="before">What is there; null for a new job, which is measured by the handler's defaults.</param>
    /// <param name="after">A definition without faults.</param>
    public IReadOnlyList<ConfigFault> FindWider(JobDefinition? before, JobDefinition after) => Widening.OfJob(catalog.Find(after.Handler), before, after);

    /// <summary>What a draft would mean, also where it has faults.</summary>
    public async Task<JobPreview> PreviewAsync(JsonElement draft, CancellationToken cancellation = default)
    {
        var (definition, faults) = await ReadAsync(draft, null, cancellation);
        if (definition is null) return new() { Faults = faults };
        var (missing, silence) = await app.LookForAsync(catalog.Find(definition.Handler)?.Tables ?? [], cancellation);
        var warnings = JobFaults.OfSurroundings(definition, catalog, await webhooks.FindLikeAsync(definition.Handler, cancellation), missing).ToList();
        if (silence is not null) warnings.Add(silence);
        return CronExpression.TryParse(definition.CronExpression, definition.Name, out var cron, out _) && TimeZones.TryFind(definition.TimeZone, out var zone, out _)
            ? new() { Faults = faults, Warnings = warnings, Description = cron.Describe(), NextDueTimes = cron.Following(clock.GetUtcNow(), zone, NextTimes) }
            : new() { Faults = faults, Warnings = warnings };
    }
}
