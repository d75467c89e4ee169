using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.AiProviders;

/// <summary>Asks each AI provider whose key is set for one token, and mails the admins when it does not work or the month's budget runs out.</summary>
[JobHandler("check-llm-credits", "Asks each configured AI provider whether its key still works and its budget lasts; mails the admins when not.",
    Cron = "0 9 * * *", Tables = ["public.ai_requests"])]
public sealed class CheckLlmCredits(IReadOnlyList<AiProvider> providers, ProviderProbe probe, ProviderAlerts alerts, AppDatabase app) : JobHandler<CheckLlmCredits.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : IValidatableObject
    {
        /// <summary>The models that are asked, by provider.</summary>
        [Description("The model that is asked, by provider; choose the cheapest that the key may use.")]
        public Dictionary<string, string> Models { get; init; } = new()
        {
            ["openai"] = "gpt-4o-mini", ["anthropic"] = "claude-3-5-haiku-latest", ["google"] = "gemini-2.0-flash",
        };

        /// <summary>US dollars a month, by provider.</summary>
        [Description("US dollars a month, by provider; one without a budget is never low.")]
        public Dictionary<string, decimal> MonthlyBudgets { get; init; } = [];

        /// <summary>The share of the budget under which a provider is low.</summary>
        [Range(0.0, 1.0), Description("A provider is low when less than this share of its budget is left.")]
        public decimal LowShare { get; init; } = 0.2m;

        /// <summary>Minutes between two mails about one provider.</summary>
        [Range(1, 10_080), Description("Minutes between two mails about one provider.")]
        public int PauseMinutes { get; init; } = 60;

        /// <inheritdoc/>
        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
        {
            if (Models.Keys.Except(AiProvider.Names).FirstOrDefault() is { } model) yield return new($"'{model}' is no provider. Known: {string.Join(", ", AiProvider.Names)}.", [nameof(Models)]);
            if (MonthlyBudgets.Keys.Except(AiProvider.Names).FirstOrDefault() is { } budget)
                yield return new($"'{budget}' is no provider. Known: {string.Join(", ", AiProvider.Names)}.", [nameof(MonthlyBudgets)]);
            if (MonthlyBudgets.Values.Any(amount => amount <= 0)) yield return new("Give amounts above 0, or leave the provider out.", [nameof(MonthlyBudgets)]);
        }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var now = run.Clock.GetUtcNow();
        var spent = await CountSpentAsync(new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero), cancellation);
        var states = new SortedDictionary<string, object>(StringComparer.Ordinal);
        var mails = 0;
        foreach (var provider in providers)
        {
            var model = config.Models.GetValueOrDefault(provider.Name) ?? new Config().Models[provider.Name];
            var (state, detail) = await probe.AskAsync(provider, model, cancellation);
            var used = spent.GetValueOrDefault(provider.Name);
            if (state == ProviderState.Fine && config.MonthlyBudgets.TryGetValue(provider.Name, out var budget) && budget - used < budget * config.LowShare)
                (state, detail) = (ProviderState.Low, $"{Dollars(used)} of this month's budget of {Dollars(budget)} are used.");
            states[provider.Name] = new { state, detail, spent_usd = used };
            if (state == ProviderState.Fine) continue;
            var details = new KeyValuePair<string, string>[] { new("Provider", provider.Name), new("Model", model), new("Used this month", Dollars(used)), new("Run", $"{run.RunId}") };
            if (await alerts.SendAsync(provider.Name, state, detail, details, TimeSpan.FromMinutes(config.PauseMinutes), now, cancellation)) mails++;
        }
        return RunOutcome.Success(new { providers = states, mails });
    }

    private static string Dollars(decimal amount) => string.Create(CultureInfo.InvariantCulture, $"${amount:0.00}");

    private async Task<Dictionary<string, decimal>> CountSpentAsync(DateTimeOffset since, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string Provider, decimal Spent)>(new CommandDefinition(
            "SELECT provider, sum(cost_usd) FROM public.ai_requests WHERE created_at >= @since GROUP BY provider", new { since }, commandTimeout: 0, cancellationToken: cancellation)))
            .ToDictionary(row => row.Provider, row => row.Spent);
    }
}
