namespace JobPlatform.Mails.Messages;

/// <summary>Tells an owner that a licence ends soon, or has ended.</summary>
public sealed record LicenseNotice : MailMessage
{
    /// <summary>The owner's name.</summary>
    public required string Name { get; init; }

    /// <summary>The account.</summary>
    public required string Account { get; init; }

    /// <summary>What is licensed.</summary>
    public required string Product { get; init; }

    /// <summary>When it ends or ended.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Days that are left, begun ones counted; 0 for one that has ended.</summary>
    public required int DaysLeft { get; init; }

    internal override Type Component => typeof(LicenseNoticeMail);

    internal override string SubjectIn(Texts texts) =>
        DaysLeft > 0 ? texts.Count("License.Warning.Subject", DaysLeft, Product) : texts["License.Expired.Subject", Product];
}
