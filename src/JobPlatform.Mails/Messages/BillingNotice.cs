namespace JobPlatform.Mails.Messages;

/// <summary>What happened to a subscription.</summary>
public enum BillingEvent
{
    /// <summary>A payment could not be collected.</summary>
    PaymentFailed,

    /// <summary>It has ended, or ends with its period.</summary>
    SubscriptionCancelled,

    /// <summary>Another plan.</summary>
    PlanChanged,
}

/// <summary>Tells an owner what happened to the subscription of an account.</summary>
public sealed record BillingNotice : MailMessage
{
    /// <summary>What happened.</summary>
    public required BillingEvent Event { get; init; }

    /// <summary>The owner's name.</summary>
    public required string Name { get; init; }

    /// <summary>The account.</summary>
    public required string Account { get; init; }

    /// <summary>The plan; after a change the new one.</summary>
    public required string Plan { get; init; }

    /// <summary>The plan before a change.</summary>
    public string? OldPlan { get; init; }

    /// <summary>What a period costs, in the currency's minor unit.</summary>
    public required decimal Amount { get; init; }

    /// <summary>Three letters.</summary>
    public required string Currency { get; init; }

    /// <summary>Until when it can be used; null for no longer.</summary>
    public DateTimeOffset? UsableUntil { get; init; }

    internal override Type Component => typeof(BillingNoticeMail);

    internal override string SubjectIn(Texts texts) => texts[$"Billing.{Event}.Subject", Plan];
}
