using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Jobs;

/// <summary>What can be set of a job. Immutable.</summary>
public record JobDefinition
{
    private const string NameForm = "[a-z0-9][a-z0-9._-]{0,99}";
    private const string NameHelp = "Give up to 100 lower-case letters, digits, dots, dashes and underscores, the first a letter or digit.";

    /// <summary>An empty JSON object, the default config.</summary>
    internal static readonly JsonElement NoConfig = JsonElement.Parse("{}");

    /// <summary>Lower-case letters, digits, dots, dashes and underscores; unique; at most 100.</summary>
    [Required, RegularExpression(NameForm, ErrorMessage = NameHelp)]
    [Description("Lower-case letters, digits, dots, dashes and underscores; unique.")]
    public required string Name { get; init; }

    /// <summary>For people; at most 2000 characters.</summary>
    [StringLength(2000), Description("For people.")]
    public string Description { get; init; } = "";

    /// <summary>The key of a code handler or of a webhook handler.</summary>
    [Required, RegularExpression(NameForm, ErrorMessage = NameHelp)]
    [Description("The key of a code handler or of a webhook handler.")]
    public required string Handler { get; init; }

    /// <summary>When it is due; null for jobs that only people and events start.</summary>
    [StringLength(200), Description("When it is due: five fields, six with seconds first, or a macro; null for never by itself.")]
    public string? CronExpression { get; init; }

    /// <summary>The IANA zone that the cron expression is read in. Default UTC.</summary>
    [Required, StringLength(100), Description("The IANA zone that the cron expression is read in.")]
    public string TimeZone { get; init; } = "UTC";

    /// <summary>A disabled job runs only when forced.</summary>
    [Description("A disabled job runs only when forced.")]
    public bool IsEnabled { get; init; } = true;

    /// <summary>The handler's config, a JSON object.</summary>
    [Description("The handler's config: an object that fits the handler's config_schema.")]
    public JsonElement Config { get; init; } = NoConfig;

    /// <summary>The queue its runs wait in. Default <c>default</c>.</summary>
    [Required, RegularExpression("[a-z0-9][a-z0-9._-]{0,49}", ErrorMessage = "Give up to 50 lower-case letters, digits, dots, dashes and underscores.")]
    [Description("The queue its runs wait in.")]
    public string Queue { get; init; } = "default";

    /// <summary>1 (first) to 9 (last). Default 5.</summary>
    [Range(1, 9), Description("1 (first) to 9 (last).")]
    public int Priority { get; init; } = 5;

    /// <summary>Seconds that one attempt may take, at most a week. Default 300.</summary>
    [Range(1, 604_800), Description("Seconds that one attempt may take.")]
    public int TimeoutSeconds { get; init; } = 300;

    /// <summary>How often a run is tried. Default 3.</summary>
    [Range(1, 100), Description("How often a run is tried.")]
    public int MaxAttempts { get; init; } = 3;

    /// <summary>See <see cref="RetryPolicy"/>.</summary>
    [Required, Description("Seconds before attempts 2, 3, … as a list (30,60,120), or exponential(first,cap).")]
    public string RetryDelays { get; init; } = RetryPolicy.Default;

    /// <summary>What becomes of a run while the job is running already.</summary>
    [Description("What becomes of a run while max_concurrency runs of the job are running.")]
    public OverlapPolicy Overlap { get; init; }

    /// <summary>How many runs may run at once under <c>skip</c> and <c>queue</c>. Default 1.</summary>
    [Range(1, 10_000), Description("How many runs may run at once under skip and queue.")]
    public int MaxConcurrency { get; init; } = 1;

    /// <summary>What becomes of due times that passed unnoticed.</summary>
    [Description("What becomes of due times that passed unnoticed.")]
    public MisfirePolicy Misfire { get; init; }

    /// <summary>Whether a failed run is reported to the admins.</summary>
    [Description("Whether a failed run is reported to the admins.")]
    public bool NotifyOnFailure { get; init; } = true;

    /// <summary>Seconds after which a due time without a start is reported, at most 30 days; null for the default.</summary>
    [Range(1, 2_592_000), Description("Seconds after which a due time without a start is reported; null for the default.")]
    public int? MissedAfterSeconds { get; init; }

    /// <summary>Where start and end of each run are reported to; null for nowhere.</summary>
    [StringLength(2000), Description("Where start and end of each run are reported to; null for nowhere.")]
    public string? PingUrl { get; init; }

    /// <summary>True for a text that a job's name can be.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= 100 && char.IsAsciiLetterOrDigit(text[0])
        && text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '_' or '-');
}
