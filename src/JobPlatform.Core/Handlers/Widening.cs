using System.Reflection;
using System.Text.Json;
using JobPlatform.Core.Jobs;

namespace JobPlatform.Core.Handlers;

/// <summary>Which change of a config field lets a destructive handler delete more.</summary>
public enum Becomes
{
    /// <summary>A lower number, such as of days that rows are kept; also one in place of none, which stands for a setting.</summary>
    Lower,

    /// <summary>A higher number, such as of rows; none means without end.</summary>
    Higher,

    /// <summary>True in place of false.</summary>
    True,

    /// <summary>False in place of true.</summary>
    False,
}

/// <summary>Marks a config field that bounds what a destructive handler deletes.</summary>
/// <param name="becomes">How the bound is moved out.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DeletesMoreWhenAttribute(Becomes becomes) : Attribute
{
    /// <summary>How the bound is moved out.</summary>
    public Becomes Becomes => becomes;
}

/// <summary>
/// The one rule for destructive handlers with raised limits. A run is wider when its payload moves a bound
/// (<see cref="DeletesMoreWhenAttribute"/>) out beyond the job's config, or confirms a safety stop; a definition, when its
/// config moves one beyond what the job had, or, for a new job or another handler, beyond the handler's defaults. What
/// is a dry run is never wider. Thread-safe.
/// </summary>
internal static class Widening
{
    /// <summary>The bounds that a run moves out, each with a sentence.</summary>
    /// <param name="handler">The job's; null, and so without a bound, for webhooks.</param>
    /// <param name="config">The job's.</param>
    /// <param name="payload">The run's.</param>
    public static IReadOnlyList<ConfigFault> OfRun(HandlerDescriptor? handler, JsonElement config, JsonElement? payload)
    {
        if (handler is not { IsDestructive: true } || payload is not { ValueKind: JsonValueKind.Object } given) return [];
        var merged = JsonSerializer.SerializeToElement(ConfigReader.Merge(config, given));
        if (IsTrue(merged, "dry_run")) return [];
        var wider = Compare(handler.ConfigType, config, merged);
        // As RunContext.IsConfirmed has it: in the config of a job it means nothing.
        if (IsTrue(given, "confirm")) wider.Add(new("confirm", "true lets it delete what the safety stop holds back."));
        return wider;
    }

    /// <summary>The bounds that a definition moves out, each with a sentence.</summary>
    /// <param name="handler">That of <paramref name="after"/>; null for webhooks.</param>
    /// <param name="before">What there is; null for a new job.</param>
    /// <param name="after">What is to be stored.</param>
    public static IReadOnlyList<ConfigFault> OfJob(HandlerDescriptor? handler, JobDefinition? before, JobDefinition after)
    {
        if (handler is not { IsDestructive: true } || IsTrue(after.Config, "dry_run")) return [];
        return Compare(handler.ConfigType, before?.Handler == after.Handler ? before.Config : JobDefinition.NoConfig, after.Config);
    }

    private static List<ConfigFault> Compare(Type configType, JsonElement before, JsonElement after)
    {
        var (old, @new) = (ConfigReader.ReadWhatFits(configType, before), ConfigReader.ReadWhatFits(configType, after));
        var wider = new List<ConfigFault>();
        foreach (var property in configType.GetProperties())
        {
            if (property.GetCustomAttribute<DeletesMoreWhenAttribute>() is not { } bound) continue;
            var (was, becomes) = (property.GetValue(old), property.GetValue(@new));
            if (!Equals(was, becomes) && IsWider(bound.Becomes, was, becomes))
                wider.Add(new(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name), $"{Show(becomes)} in place of {Show(was)} lets it delete more."));
        }
        return wider;
    }

    private static bool IsWider(Becomes outwards, object? was, object? becomes) => outwards switch
    {
        Becomes.Lower => was is null || becomes is null || Comparer<object>.Default.Compare(becomes, was) < 0,
        Becomes.Higher => becomes is null || (was is not null && Comparer<object>.Default.Compare(becomes, was) > 0),
        Becomes.True => becomes is true,
        _ => becomes is false,
    };

    private static bool IsTrue(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(field, out var flag) && flag.ValueKind == JsonValueKind.True;

    private static string Show(object? value) => JsonSerializer.Serialize(value, PlatformJson.Options);
}
