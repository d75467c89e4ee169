using System.Globalization;

namespace JobPlatform.Handlers.Email;

/// <summary>How far the talk with the mail server was.</summary>
internal enum SmtpStep
{
    /// <summary>Connecting, greeting, STARTTLS, logging in.</summary>
    Connect,

    /// <summary>MAIL: the server has heard the sender, nothing else of the mail.</summary>
    Sender,

    /// <summary>RCPT: the recipient.</summary>
    Recipient,

    /// <summary>DATA and the mail itself, up to its end.</summary>
    Content,

    /// <summary>The whole mail is over; the server has not said yet whether it takes it.</summary>
    Receipt,
}

/// <summary>A refusal by the mail server, or a line that was lost.</summary>
/// <param name="step">Where.</param>
/// <param name="code">The reply's code; null when the line was lost or the answer did not come in time.</param>
/// <param name="message">A sentence with what the server said.</param>
/// <param name="needsOperator">True when only a change of the settings helps.</param>
internal sealed class SmtpFault(SmtpStep step, int? code, string message, bool needsOperator = false, Exception? inner = null) : Exception(message, inner)
{
    public SmtpStep Step => step;

    public int? Code => code;

    public bool NeedsOperator => needsOperator;
}

/// <summary>A reply of the mail server: its code and its lines as one.</summary>
internal readonly record struct SmtpReply(int Code, IReadOnlyList<string> Lines)
{
    private const int LongestText = 300;

    public bool IsPositive => Code is >= 200 and < 400;

    /// <summary>Code and text on one line, shortened.</summary>
    public override string ToString()
    {
        var text = string.Concat(string.Join(' ', Lines).Select(letter => char.IsControl(letter) ? ' ' : letter));
        return string.Create(CultureInfo.InvariantCulture, $"{Code} {(text.Length <= LongestText ? text : text[..LongestText] + "…")}").TrimEnd();
    }
}
