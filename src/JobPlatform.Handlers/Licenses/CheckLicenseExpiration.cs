using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Mails;
using JobPlatform.Mails.Messages;

namespace JobPlatform.Handlers.Licenses;

/// <summary>
/// Marks licences past their date as expired, and warns the owners ahead. The warning that fits the days left is sent
/// once; where the job missed days, the latest stands for those before it.
/// </summary>
[JobHandler("check-license-expiration", "Marks licences past their date as expired, and warns owners 7, 3 and 1 days ahead.",
    Cron = "0 8 * * *", Gate = "BILLING_MODEL=license|hybrid", Tables = ["public.licenses", "public.license_warnings", "public.accounts", "public.users"])]
public sealed class CheckLicenseExpiration(AppDatabase app, Mailer mails) : JobHandler<CheckLicenseExpiration.Config>
{
    // A renewal is another end, and so another mail.
    private const string EndFormat = "yyyyMMddHHmmss";

    /// <summary>What can be set.</summary>
    public sealed record Config : IValidatableObject
    {
        /// <summary>Days ahead.</summary>
        [MinLength(1), Description("How many days ahead owners are warned, each once.")]
        public int[] WarnDays { get; init; } = [7, 3, 1];

        /// <summary>Licences in one transaction.</summary>
        [Range(1, 10_000), Description("The most licences in one transaction.")]
        public int BatchSize { get; init; } = 500;

        /// <summary>The language of the mails; null for the owner's.</summary>
        [Description("The language of the mails, such as de; null for the owner's.")]
        public string? Locale { get; init; }

        /// <inheritdoc/>
        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
        {
            if (WarnDays.Any(days => days is < 1 or > 365) || WarnDays.Distinct().Count() < WarnDays.Length)
                yield return new("Give different days from 1 to 365.", [nameof(WarnDays)]);
        }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var now = run.Clock.GetUtcNow();
        var expired = await ExpireAsync(config, now, run, cancellation);
        var warned = await WarnAsync(config, now, run, cancellation);
        return RunOutcome.Success(new { expired, warned });
    }

    private async Task<int> ExpireAsync(Config config, DateTimeOffset now, RunContext run, CancellationToken cancellation)
    {
        var total = 0;
        while (true)
        {
            await using var connection = await app.OpenAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var batch = (await connection.QueryAsync<License>(new CommandDefinition(
                """
                UPDATE public.licenses l SET status = 'expired'
                  FROM public.accounts a JOIN public.users u ON u.id = a.owner_id
                 WHERE a.id = l.account_id
                   AND l.id IN (SELECT id FROM public.licenses WHERE status = 'active' AND expires_at <= @now ORDER BY expires_at LIMIT @BatchSize FOR UPDATE SKIP LOCKED)
                RETURNING l.id, l.product, l.expires_at, a.name AS account, u.email, u.full_name, u.locale, 0 AS days
                """, new { now, config.BatchSize }, transaction, cancellationToken: cancellation))).AsList();
            // Before the commit: a mail of a batch that is rolled back is queued again under the same key, which does nothing.
            foreach (var license in batch) await QueueAsync(license, 0, config, cancellation);
            await transaction.CommitAsync(cancellation);
            total += batch.Count;
            run.ReportProgress(total, note: "marking expired");
            if (batch.Count < config.BatchSize) return total;
        }
    }

    private async Task<Dictionary<int, int>> WarnAsync(Config config, DateTimeOffset now, RunContext run, CancellationToken cancellation)
    {
        var warned = config.WarnDays.Order().ToDictionary(days => days, _ => 0);
        while (true)
        {
            await using var connection = await app.OpenAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var batch = (await connection.QueryAsync<License>(new CommandDefinition(
                """
                SELECT l.id, l.product, l.expires_at, a.name AS account, u.email, u.full_name, u.locale, w.days
                  FROM public.licenses l
                  JOIN public.accounts a ON a.id = l.account_id
                  JOIN public.users u ON u.id = a.owner_id
                 CROSS JOIN LATERAL (SELECT min(d) AS days FROM unnest(@WarnDays) AS d WHERE l.expires_at <= @now + d * interval '24 hours') AS w
                 WHERE l.status = 'active' AND l.expires_at > @now AND l.expires_at <= @now + @longest * interval '24 hours'
                   AND NOT EXISTS (SELECT FROM public.license_warnings x WHERE x.license_id = l.id AND x.expires_at = l.expires_at AND x.days <= w.days)
                 ORDER BY l.expires_at, l.id LIMIT @BatchSize FOR UPDATE OF l SKIP LOCKED
                """, new { config.WarnDays, now, longest = config.WarnDays.Max(), config.BatchSize }, transaction, cancellationToken: cancellation))).AsList();
            foreach (var license in batch)
            {
                await QueueAsync(license, Math.Max(1, (int)Math.Ceiling((license.ExpiresAt - now.UtcDateTime).TotalDays)), config, cancellation);
                warned[license.Days]++;
            }
            await connection.ExecuteAsync(new CommandDefinition(
                "INSERT INTO public.license_warnings (license_id, expires_at, days, warned_at) VALUES (@Id, @ExpiresAt, @Days, @now) ON CONFLICT DO NOTHING",
                batch.Select(license => new { license.Id, license.ExpiresAt, license.Days, now }), transaction, cancellationToken: cancellation));
            await transaction.CommitAsync(cancellation);
            run.ReportProgress(warned.Values.Sum(), note: "warning");
            if (batch.Count < config.BatchSize) return warned;
        }
    }

    private Task QueueAsync(License license, int daysLeft, Config config, CancellationToken cancellation) =>
        mails.QueueAsync(license.Email, new LicenseNotice
        {
            Name = license.FullName, Account = license.Account, Product = license.Product, ExpiresAt = new DateTimeOffset(license.ExpiresAt, TimeSpan.Zero), DaysLeft = daysLeft,
        }, [config.Locale, license.Locale], $"license:{license.Id}:{license.ExpiresAt.ToString(EndFormat, CultureInfo.InvariantCulture)}:{license.Days}", "license", cancellation);

    private sealed record License
    {
        public required long Id { get; init; }

        public required string Product { get; init; }

        public required DateTime ExpiresAt { get; init; }

        public required string Account { get; init; }

        public required string Email { get; init; }

        public required string FullName { get; init; }

        public required string Locale { get; init; }

        /// <summary>Of which warning; 0 for the end.</summary>
        public required int Days { get; init; }
    }
}
