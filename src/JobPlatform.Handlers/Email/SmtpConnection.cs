using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.Email;

/// <summary>
/// A session with the mail server that takes mail after mail. Not thread-safe.
/// </summary>
/// <remarks>
/// Our own, as <c>System.Net.Mail.SmtpClient</c> was tried and cannot tell what this queue lives on. It reports a refused
/// connection, a line lost before and one lost after the mail was over alike (GeneralFailure), so a mail that may have
/// arrived looks like one that never left; it does not say whether the sender or the recipient was refused; with a
/// server that offers only AUTH PLAIN it goes on without logging in, and each mail gets a permanent 530; and each
/// refused recipient costs a new connection. It also waits 40 ms a mail for the delayed acknowledgement of its last
/// packet (22 mails/s where this makes 1,400).
/// </remarks>
internal sealed class SmtpConnection : IAsyncDisposable
{
    // Four commands, content and receipt are 12 minutes; with the age that a claim may have when its mail is begun
    // (Sender.FreshFor) that stays under the 15 minutes after which another run may take the mail.
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan ContentLimit = TimeSpan.FromMinutes(3);
    // RFC 5321 asks for patience here: giving up on a mail that the server is just storing sends it twice.
    private static readonly TimeSpan ReceiptLimit = TimeSpan.FromMinutes(6);

    private readonly SmtpLine _line;
    private HashSet<string> _offers = [];
    private long _largestMail = long.MaxValue;
    private bool _needsReset;

    private SmtpConnection(SmtpLine line) => _line = line;

    /// <summary>Mails that the server took or refused by themselves in this session.</summary>
    public int Answered { get; private set; }

    /// <summary>Connects, encrypts and logs in, as the settings ask.</summary>
    /// <exception cref="SmtpFault">At step <see cref="SmtpStep.Connect"/>.</exception>
    public static async Task<SmtpConnection> OpenAsync(SmtpServer server, TimeProvider clock, CancellationToken cancellation, X509ChainPolicy? trust = null)
    {
        var connection = new SmtpConnection(new SmtpLine(clock));
        try
        {
            await connection.OpenAsync(server, trust, cancellation);
            return connection;
        }
        catch
        {
            await connection._line.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends one mail; returns when the server has taken it.</summary>
    /// <exception cref="SmtpFault">The server refused it, or the line was lost: the step says how far it was.</exception>
    /// <exception cref="UnsendableMailException">This server can never take it.</exception>
    public async Task SendAsync(MailMessage mail, CancellationToken cancellation)
    {
        if (mail.Content.LongLength > _largestMail)
            throw new UnsendableMailException($"The mail has {mail.Content.LongLength:N0} bytes, and the mail server takes at most {_largestMail:N0}.");
        if (mail.NeedsUtf8 && !_offers.Contains("SMTPUTF8"))
            throw new UnsendableMailException("An address has letters beyond ASCII before the @, which the mail server does not take (it offers no SMTPUTF8).");
        if (_needsReset) await ExpectAsync(SmtpStep.Sender, "RSET", cancellation);
        _needsReset = true;
        var isOver = false;
        var size = _offers.Contains("SIZE") ? string.Create(CultureInfo.InvariantCulture, $" SIZE={mail.Content.Length}") : "";
        await ExpectAsync(SmtpStep.Sender, $"MAIL FROM:<{mail.Sender}>{size}{(mail.NeedsUtf8 ? " SMTPUTF8" : "")}", cancellation);
        try
        {
            await ExpectAsync(SmtpStep.Recipient, $"RCPT TO:<{mail.Recipient}>", cancellation);
            await ExpectAsync(SmtpStep.Content, "DATA", cancellation);
            // The end goes by itself: whoever loses the line before it knows that the server cannot have taken the mail.
            await _line.WriteAsync(SmtpStep.Content, DoubleDots(mail.Content), ContentLimit, cancellation);
            isOver = true;
            Require(SmtpStep.Receipt, await _line.AskAsync(SmtpStep.Receipt, ".", ReceiptLimit, cancellation));
            _needsReset = false;
        }
        catch (OperationCanceledException e) when (isOver)
        {
            throw new SmtpFault(SmtpStep.Receipt, null, "The run was told to stop while the mail server was storing the mail, so it may have arrived.", inner: e);
        }
        catch (SmtpFault e) when (e.Code is not (null or 421))
        {
            Answered++;
            throw;
        }
        Answered++;
    }

    /// <summary>Says goodbye where the line still works, and closes.</summary>
    public ValueTask DisposeAsync() => _line.DisposeAsync();

    private async Task OpenAsync(SmtpServer server, X509ChainPolicy? trust, CancellationToken cancellation)
    {
        await _line.ConnectAsync(server.Host, server.Port, CommandLimit, cancellation);
        Require(SmtpStep.Connect, await _line.ReadAsync(SmtpStep.Connect, CommandLimit, cancellation));
        await HelloAsync(cancellation);
        if (server.StartTls != StartTls.Off && _offers.Contains("STARTTLS"))
        {
            await ExpectAsync(SmtpStep.Connect, "STARTTLS", cancellation);
            await _line.EncryptAsync(server.Host, trust, CommandLimit, cancellation);
            await HelloAsync(cancellation);
        }
        else if (server.StartTls == StartTls.Required)
        {
            throw new SmtpFault(SmtpStep.Connect, null,
                "The mail server offers no STARTTLS, so nothing was sent. Use a port where it does (587), or set starttls=off in SMTP_URL to send in the clear.", needsOperator: true);
        }
        if (server.User is not null) await LogInAsync(server, cancellation);
    }

    private async Task HelloAsync(CancellationToken cancellation)
    {
        var reply = await ExpectAsync(SmtpStep.Connect, $"EHLO {LocalName()}", cancellation);
        _offers = new(StringComparer.OrdinalIgnoreCase);
        foreach (var line in reply.Lines.Skip(1))
        {
            var words = line.Split([' ', '='], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) continue;
            _offers.Add(words[0]);
            if (words[0].Equals("AUTH", StringComparison.OrdinalIgnoreCase))
                foreach (var way in words.Skip(1)) _offers.Add($"AUTH {way}");
            if (words[0].Equals("SIZE", StringComparison.OrdinalIgnoreCase) && words.Length > 1
                && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size > 0)
                _largestMail = size;
        }
    }

    private async Task LogInAsync(SmtpServer server, CancellationToken cancellation)
    {
        if (!_line.IsEncrypted && server.StartTls == StartTls.Auto && !server.IsLoopback)
            throw new SmtpFault(SmtpStep.Connect, null,
                "The mail server offers no STARTTLS, and the password would be readable on the way. Use port 587, or set starttls=off in SMTP_URL to allow it.", needsOperator: true);
        SmtpReply reply;
        if (_offers.Contains("AUTH PLAIN"))
        {
            reply = await AskAsync($"AUTH PLAIN {Base64($"\0{server.User}\0{server.Password}")}");
        }
        else if (_offers.Contains("AUTH LOGIN"))
        {
            reply = await AskAsync("AUTH LOGIN");
            if (reply.Code == 334) reply = await AskAsync(Base64(server.User!));
            if (reply.Code == 334) reply = await AskAsync(Base64(server.Password));
        }
        else
        {
            throw new SmtpFault(SmtpStep.Connect, null,
                "The mail server offers neither AUTH PLAIN nor AUTH LOGIN on this line. Check the port in SMTP_URL, or leave out user and password.", needsOperator: true);
        }
        if (reply.Code != 235)
            throw new SmtpFault(SmtpStep.Connect, reply.Code, $"The mail server refused the login: {reply}. Check user and password in SMTP_URL.", needsOperator: reply.Code >= 500);

        Task<SmtpReply> AskAsync(string command) => _line.AskAsync(SmtpStep.Connect, command, CommandLimit, cancellation);
    }

    private async Task<SmtpReply> ExpectAsync(SmtpStep step, string command, CancellationToken cancellation)
    {
        var reply = await _line.AskAsync(step, command, CommandLimit, cancellation);
        Require(step, reply);
        return reply;
    }

    private static void Require(SmtpStep step, SmtpReply reply)
    {
        if (reply.IsPositive) return;
        throw new SmtpFault(step, reply.Code, needsOperator: step == SmtpStep.Sender && reply.Code >= 500, message: step switch
        {
            SmtpStep.Connect => $"The mail server refused the connection: {reply}",
            SmtpStep.Sender when reply.Code != 552 => $"The mail server refused the sender: {reply}",
            SmtpStep.Recipient => $"The mail server refused the recipient: {reply}",
            _ => $"The mail server refused the mail: {reply}",
        });
    }

    // A line that begins with a dot gets another one; the server takes it away (RFC 5321, 4.5.2).
    private static ReadOnlyMemory<byte> DoubleDots(byte[] content)
    {
        var dots = content.AsSpan().Count("\n."u8);
        if (dots == 0) return content;
        var doubled = new byte[content.Length + dots];
        var to = 0;
        for (var from = 0; from < content.Length; from++)
        {
            if (content[from] == '.' && from > 0 && content[from - 1] == '\n') doubled[to++] = (byte)'.';
            doubled[to++] = content[from];
        }
        return doubled;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string LocalName()
    {
        var name = Environment.MachineName;
        return name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.') ? name : "localhost";
    }
}
