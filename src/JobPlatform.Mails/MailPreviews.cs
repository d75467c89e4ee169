using JobPlatform.Core.Notifications;
using JobPlatform.Mails.Messages;

namespace JobPlatform.Mails;

/// <summary>Every mail with made-up content, for looking at it.</summary>
public static class MailPreviews
{
    private static readonly DateTimeOffset Day = new(2028, 2, 29, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The mails by name.</summary>
    public static IReadOnlyDictionary<string, MailMessage> All { get; } = new Dictionary<string, MailMessage>
    {
        ["payment-failed"] = Billing(BillingEvent.PaymentFailed),
        ["subscription-cancelled"] = Billing(BillingEvent.SubscriptionCancelled),
        ["plan-changed"] = Billing(BillingEvent.PlanChanged),
        ["license-7-days"] = License(7),
        ["license-3-days"] = License(3),
        ["license-1-day"] = License(1),
        ["license-expired"] = License(0),
        ["account-deleted"] = Deletion(isOrganisation: false),
        ["organisation-deleted"] = Deletion(isOrganisation: true),
        ["low-credits"] = new LowCreditsNotice { Name = "Ada Lovelace", Account = "Analytical Engines", Credits = 12, Threshold = 1000 },
        ["admin"] = new AdminNotice(new AdminMessage
        {
            Subject = "[JobPlatform] sync-stripe failed", Title = "sync-stripe failed", Body = "Stripe asks to come less often (429).\nIt is tried again at its next due time.",
            Details = [new("Job", "sync-stripe"), new("Run", "019ac0de-0000-7000-8000-000000000000"), new("Duration", "12.4 s")],
            Link = "https://jobs.example.com/admin/runs/019ac0de-0000-7000-8000-000000000000", Tag = "job-failed",
        }),
    };

    private static BillingNotice Billing(BillingEvent what) => new()
    {
        Event = what, Name = "Ada Lovelace", Account = "Analytical Engines", Plan = "business_year", OldPlan = "pro_month", Amount = 1234567.5m, Currency = "eur", UsableUntil = Day,
    };

    private static LicenseNotice License(int days) => new() { Name = "Ada Lovelace", Account = "Analytical Engines", Product = "Desktop", ExpiresAt = Day, DaysLeft = days };

    private static DeletionNotice Deletion(bool isOrganisation) => new()
    {
        Name = "Ada Lovelace", Account = "Analytical Engines", IsOrganisation = isOrganisation, RequestedAt = Day, HadSubscription = isOrganisation,
    };
}
