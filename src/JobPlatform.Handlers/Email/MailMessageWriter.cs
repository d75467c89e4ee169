using System.Globalization;
using System.Net.Mail;
using System.Text;
using System.Text.RegularExpressions;

namespace JobPlatform.Handlers.Email;

/// <summary>A mail that can never be sent as it is; the message is the sentence for <c>last_error</c>.</summary>
internal sealed class UnsendableMailException(string message) : Exception(message);

/// <summary>A mail as it goes over the line. Immutable.</summary>
/// <param name="Sender">The address for MAIL.</param>
/// <param name="Recipient">The address for RCPT.</param>
/// <param name="Content">Headers and body, lines ended by CR LF, dots not yet doubled.</param>
internal sealed record MailMessage(string Sender, string Recipient, byte[] Content)
{
    /// <summary>True when an address needs a server that knows SMTPUTF8.</summary>
    public bool NeedsUtf8 => !Ascii.IsValid(Sender) || !Ascii.IsValid(Recipient);
}

/// <summary>
/// Writes rows as mails (RFC 5322, MIME). Our own because <see cref="System.Net.Mail"/> writes only to its own client
/// or to a folder. Every line is short ASCII, so no server can break a body.
/// </summary>
internal static partial class MailMessageWriter
{
    private const int LongestLine = 76;
    // 39 bytes are 52 characters of base64: with =?utf-8?B?, ?= and "Subject: " within the 76 that such a line may have.
    private const int BytesInEncodedWord = 39;
    // Neither quoted-printable nor base64 can contain "=_".
    private const string Boundary = "=_jobplatform";

    /// <summary>Writes one.</summary>
    /// <exception cref="UnsendableMailException">An address or a header cannot be sent.</exception>
    public static MailMessage Write(ClaimedEmail mail, MailAddress defaultFrom, DateTimeOffset date)
    {
        RefuseLineBreaks("subject", mail.Subject);
        RefuseLineBreaks("message_id", mail.MessageId);
        var from = mail.FromAddress is null ? defaultFrom : ReadAddress("from_address", mail.FromAddress);
        var sender = ToAsciiDomain("from_address", from);
        var recipient = ToAsciiDomain("to_address", ReadAddress("to_address", mail.ToAddress));
        if (mail.MessageId.Any(letter => !char.IsAsciiLetterOrDigit(letter) && !".-_+=$!#%&'*/?^`{|}~".Contains(letter, StringComparison.Ordinal)))
            throw new UnsendableMailException($"message_id: '{mail.MessageId}' has characters that a Message-ID cannot have. Use letters, digits, dots and dashes.");

        var text = new StringBuilder(512);
        var name = Escape().Replace(from.DisplayName, "$1");
        text.Append("From: ").Append(name.Length == 0 ? "" : Phrase(name, "From: ".Length) + "\r\n ").Append('<').Append(sender).Append(">\r\n");
        text.Append("To: <").Append(recipient).Append(">\r\n");
        text.Append("Subject: ").Append(Encode(mail.Subject, "Subject: ".Length)).Append("\r\n");
        text.Append("Date: ").Append(date.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture)).Append("\r\n");
        text.Append("Message-ID: <").Append(mail.MessageId).Append(sender.AsSpan(sender.LastIndexOf('@'))).Append(">\r\n");
        text.Append("MIME-Version: 1.0\r\n");
        if (mail is { TextBody: { } plain, HtmlBody: { } html })
        {
            text.Append("Content-Type: multipart/alternative; boundary=\"").Append(Boundary).Append("\"\r\n\r\n");
            text.Append("--").Append(Boundary).Append("\r\n");
            AppendPart(text, "text/plain", plain);
            text.Append("--").Append(Boundary).Append("\r\n");
            AppendPart(text, "text/html", html);
            text.Append("--").Append(Boundary).Append("--\r\n");
        }
        else if (mail.HtmlBody is not null) AppendPart(text, "text/html", mail.HtmlBody);
        else AppendPart(text, "text/plain", mail.TextBody!);
        return new(sender, recipient, Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static MailAddress ReadAddress(string field, string value)
    {
        RefuseLineBreaks(field, value);
        return MailAddress.TryCreate(value, out var address) ? address
            : throw new UnsendableMailException($"{field}: '{value}' is not an e-mail address.");
    }

    private static string ToAsciiDomain(string field, MailAddress address)
    {
        if (Ascii.IsValid(address.Host)) return address.Address;
        try
        {
            return $"{address.User}@{new IdnMapping().GetAscii(address.Host)}";
        }
        catch (ArgumentException)
        {
            throw new UnsendableMailException($"{field}: the domain '{address.Host}' is no domain name.");
        }
    }

    private static void RefuseLineBreaks(string field, string value)
    {
        if (value.AsSpan().IndexOfAny("\r\n\0") >= 0)
            throw new UnsendableMailException($"{field}: it has a line break, which would begin a header of its own. Give one line.");
    }

    private static string Phrase(string name, int used) =>
        IsPlain(name) && name.Length + used < LongestLine
            ? $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : Encode(name, used);

    // Plain where it fits on the line; else encoded words (RFC 2047), none of which may cut a character in two.
    private static string Encode(string value, int used)
    {
        if (IsPlain(value) && value.Length + used <= LongestLine) return value;
        var words = new StringBuilder();
        Span<byte> bytes = stackalloc byte[BytesInEncodedWord];
        var length = 0;
        foreach (var rune in value.EnumerateRunes())
        {
            if (length + rune.Utf8SequenceLength > bytes.Length) Flush(bytes, ref length);
            length += rune.EncodeToUtf8(bytes[length..]);
        }
        Flush(bytes, ref length);
        return words.ToString();

        void Flush(Span<byte> word, ref int count)
        {
            if (words.Length > 0) words.Append("\r\n ");
            words.Append("=?utf-8?B?").Append(Convert.ToBase64String(word[..count])).Append("?=");
            count = 0;
        }
    }

    // MailAddress keeps the backslashes of a quoted name.
    [GeneratedRegex(@"\\(.)")]
    private static partial Regex Escape();

    private static bool IsPlain(string value) =>
        value.All(letter => letter is >= ' ' and <= '~') && !value.Contains("=?", StringComparison.Ordinal)
        && value.Trim().Length == value.Length;

    private static void AppendPart(StringBuilder text, string type, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(
            body.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace("\n", "\r\n", StringComparison.Ordinal));
        // What people can read in a raw mail stays readable; from a third of non-ASCII bytes on base64 is shorter.
        var isReadable = bytes.Count(value => value >= 0x80) * 3 <= bytes.Length;
        text.Append("Content-Type: ").Append(type).Append("; charset=utf-8\r\nContent-Transfer-Encoding: ")
            .Append(isReadable ? "quoted-printable" : "base64").Append("\r\n\r\n");
        if (isReadable) AppendQuotedPrintable(text, bytes);
        else text.Append(Convert.ToBase64String(bytes, Base64FormattingOptions.InsertLineBreaks));
        text.Append("\r\n");
    }

    private static void AppendQuotedPrintable(StringBuilder text, byte[] bytes)
    {
        var column = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            if (value == '\r' && i + 1 < bytes.Length && bytes[i + 1] == '\n')
            {
                text.Append("\r\n");
                column = 0;
                i++;
                continue;
            }
            var endsLine = i + 1 == bytes.Length || bytes[i + 1] == '\r';
            var isLiteral = value is >= 33 and <= 126 and not (byte)'=' || (value is (byte)' ' or (byte)'\t' && !endsLine);
            var width = isLiteral ? 1 : 3;
            if (column + width > LongestLine - 1)
            {
                text.Append("=\r\n");
                column = 0;
            }
            if (isLiteral) text.Append((char)value);
            else text.Append(CultureInfo.InvariantCulture, $"={value:X2}");
            column += width;
        }
    }
}
