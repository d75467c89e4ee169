namespace JobPlatform.Mails.Messages;

/// <summary>Tells the owner that the account or the organisation is deleted.</summary>
public sealed record DeletionNotice : MailMessage
{
    /// <summary>The owner's name.</summary>
    public required string Name { get; init; }

    /// <summary>The account.</summary>
    public required string Account { get; init; }

    /// <summary>True for an organisation.</summary>
    public required bool IsOrganisation { get; init; }

    /// <summary>When the owner asked for it.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>True when a paid subscription was ended with it.</summary>
    public bool HadSubscription { get; init; }

    internal override Type Component => typeof(DeletionNoticeMail);

    internal string Kind => IsOrganisation ? "Organisation" : "Account";

    internal override string SubjectIn(Texts texts) => texts[$"Deletion.{Kind}.Subject", Account];
}
