using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Analytics;

/// <summary>
/// One row a day: revenue, users, tokens. Each day is one statement, and replaces what was there. Of days long past it
/// tells what the rows of today still know: who was deleted since, or changed the plan, counts as now.
/// </summary>
[JobHandler("generate-analytics", "Writes one row a day: MRR, users (total, new, active), token usage by provider.", Cron = "0 1 * * *", TimeoutSeconds = 3600,
    Tables = ["public.daily_analytics", "public.users", "public.chat_sessions", "public.ai_requests", "public.subscriptions"])]
public sealed class GenerateAnalytics(AppDatabase app) : JobHandler<GenerateAnalytics.Config>
{
    // A month is a twelfth of a mean year of 365.2425 days, so that neither February nor a leap day moves the figure.
    // Rounded once, at the end: the sum of rounded subscriptions would drift.
    private const string Sql =
        """
        WITH earned AS (
            SELECT s.currency,
                   round(sum(s.amount / (s.interval_count * CASE s.billing_interval WHEN 'year' THEN 12.0 WHEN 'month' THEN 1.0
                                                               WHEN 'week' THEN 7 * 12 / 365.2425 ELSE 12 / 365.2425 END))) AS minor
              FROM public.subscriptions s
             WHERE s.started_at < @until AND (s.ended_at IS NULL OR s.ended_at >= @until)
               AND (s.trial_ends_at IS NULL OR s.trial_ends_at < @until)
               -- Of one that has ended the status tells only that; while it lived, it was paid.
               AND (s.status IN ('active', 'past_due') OR s.ended_at IS NOT NULL AND s.status = 'canceled')
               AND NOT s.is_paused
             GROUP BY s.currency
        ), used AS (
            SELECT provider, sum(input_tokens) AS input, sum(output_tokens) AS output, count(*) AS requests
              FROM public.ai_requests WHERE created_at >= @from AND created_at < @until GROUP BY provider
        ), active AS (
            SELECT user_id FROM public.chat_sessions WHERE updated_at >= @from AND started_at < @until
            UNION SELECT user_id FROM public.ai_requests WHERE created_at >= @from AND created_at < @until AND user_id IS NOT NULL
            UNION SELECT id FROM public.users WHERE last_seen_at >= @from AND last_seen_at < @until
        )
        INSERT INTO public.daily_analytics (day, mrr, users_total, users_new, users_active, tokens, computed_at)
        SELECT @day::date, coalesce((SELECT jsonb_object_agg(currency, minor) FROM earned), '{}'),
               (SELECT count(*) FROM public.users WHERE created_at < @until),
               (SELECT count(*) FROM public.users WHERE created_at >= @from AND created_at < @until),
               (SELECT count(*) FROM active),
               coalesce((SELECT jsonb_object_agg(provider, jsonb_build_object('input', input, 'output', output, 'requests', requests)) FROM used), '{}'),
               @now
        ON CONFLICT (day) DO UPDATE
           SET mrr = excluded.mrr, users_total = excluded.users_total, users_new = excluded.users_new, users_active = excluded.users_active,
               tokens = excluded.tokens, computed_at = excluded.computed_at
        """;

    /// <summary>What can be set.</summary>
    public sealed record Config : IValidatableObject
    {
        private const int MostDays = 3660;

        /// <summary>The first day; null for the day before the due time alone.</summary>
        [Description("The first day of a range to be filled; null for yesterday alone. Days are in UTC.")]
        public DateOnly? From { get; init; }

        /// <summary>The last day.</summary>
        [Description("The last day of the range; null for yesterday.")]
        public DateOnly? To { get; init; }

        /// <inheritdoc/>
        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
        {
            if (From is null && To is not null) yield return new("Give From, too.", [nameof(To)]);
            if (To < From) yield return new("It lies before From.", [nameof(To)]);
            if (To?.DayNumber - From?.DayNumber >= MostDays) yield return new($"At most {MostDays} days at a time.", [nameof(To)]);
        }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var today = DateOnly.FromDateTime(run.Clock.GetUtcNow().UtcDateTime);
        // A run that comes late stands for its own day.
        var yesterday = DateOnly.FromDateTime((run.ScheduledFor ?? run.Clock.GetUtcNow()).UtcDateTime).AddDays(-1);
        var (from, to) = (config.From ?? yesterday, config.To ?? yesterday);
        if (to >= today) return RunOutcome.FailForGood($"to: {to:yyyy-MM-dd} is not over yet. Give {today.AddDays(-1):yyyy-MM-dd} or earlier.");
        if (to < from) return RunOutcome.FailForGood($"from: {from:yyyy-MM-dd} is not over yet. Give {to:yyyy-MM-dd} or earlier.");
        var total = to.DayNumber - from.DayNumber + 1;
        await using var connection = await app.OpenAsync(cancellation);
        for (var done = 0; done < total; done++)
        {
            var day = from.AddDays(done);
            await connection.ExecuteAsync(new CommandDefinition(Sql, new
            {
                day = day.ToDateTime(TimeOnly.MinValue), from = StartOf(day), until = StartOf(day.AddDays(1)), now = run.Clock.GetUtcNow(),
            }, commandTimeout: 0, cancellationToken: cancellation));
            run.ReportProgress(done + 1, total, $"{day:yyyy-MM-dd}");
        }
        return RunOutcome.Success(new { days = total, from, to });
    }

    private static DateTimeOffset StartOf(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
}
