using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.AiProviders;

/// <summary>What the application says when a provider had no credit for a user's request.</summary>
[EventType("llm.request_failed", "An AI provider answered a user's request with 402 or 429.")]
public sealed record LlmRequestFailed
{
    /// <summary>The provider.</summary>
    [Description("openai, anthropic or google.")]
    public required string Provider { get; init; }

    /// <summary>What it answered.</summary>
    [Range(402, 429), Description("The status: 402 or 429.")]
    public required int Status { get; init; }

    /// <summary>The model.</summary>
    [Description("The model that was asked.")]
    public string? Model { get; init; }
}

/// <summary>Mails the admins at once, at most once an hour for each provider; <see cref="CheckLlmCredits"/> counts for it, too.</summary>
[JobHandler("send-llm-credit-alert", "Mails the admins that a provider is out of credit or over its quota, when the application meets it.")]
[OnEvent<LlmRequestFailed>]
public sealed class SendLlmCreditAlert(ProviderAlerts alerts) : JobHandler<SendLlmCreditAlert.Config>
{
    /// <summary>What can be set: the event's fields, and the pause.</summary>
    public sealed record Config : IValidatableObject
    {
        /// <summary>The provider.</summary>
        [Required, Description("The provider.")]
        public string? Provider { get; init; }

        /// <summary>What it answered.</summary>
        [Required, Description("The status: 402 or 429.")]
        public int? Status { get; init; }

        /// <summary>The model.</summary>
        [Description("The model that was asked.")]
        public string? Model { get; init; }

        /// <summary>Minutes between two mails about one provider.</summary>
        [Range(1, 10_080), Description("Minutes between two mails about one provider.")]
        public int PauseMinutes { get; init; } = 60;

        /// <inheritdoc/>
        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
        {
            if (Provider is not null && !AiProvider.Names.Contains(Provider)) yield return new($"Give one of {string.Join(", ", AiProvider.Names)}.", [nameof(Provider)]);
            if (Status is not (null or 402 or 429)) yield return new("Give 402 or 429.", [nameof(Status)]);
        }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var state = config.Status == 402 ? ProviderState.Exhausted : ProviderState.Throttled;
        var details = new List<KeyValuePair<string, string>> { new("Provider", config.Provider!), new("Status", $"{config.Status}"), new("Run", $"{run.RunId}") };
        if (config.Model is { } model) details.Insert(1, new("Model", model));
        var isSent = await alerts.SendAsync(config.Provider!, state, "A request of a user met it.", details,
            TimeSpan.FromMinutes(config.PauseMinutes), run.Clock.GetUtcNow(), cancellation);
        return RunOutcome.Success(new { mailed = isSent, held_back = !isSent });
    }
}
