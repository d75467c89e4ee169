namespace JobPlatform.Mails.Messages;

/// <summary>Tells that an account is running out of credits; the push message uses the same words.</summary>
public sealed record LowCreditsNotice : MailMessage
{
    /// <summary>The reader's name.</summary>
    public required string Name { get; init; }

    /// <summary>The account.</summary>
    public required string Account { get; init; }

    /// <summary>What is left; below zero counts as nothing.</summary>
    public required long Credits { get; init; }

    /// <summary>Under which the members are told.</summary>
    public required long Threshold { get; init; }

    internal override Type Component => typeof(LowCreditsNoticeMail);

    internal override string SubjectIn(Texts texts) => TitleIn(texts);

    /// <summary>The title of a push message.</summary>
    public string TitleIn(Texts texts) => texts.Count("LowCredits.Subject", Math.Max(0, Credits), Account);

    /// <summary>The text of a push message.</summary>
    public string BodyIn(Texts texts) => texts.Count("LowCredits.Body", Math.Max(0, Credits), Account, texts.Number(Threshold));
}
