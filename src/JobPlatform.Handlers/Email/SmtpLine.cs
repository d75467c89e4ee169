using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace JobPlatform.Handlers.Email;

/// <summary>Commands and replies over one TCP connection, each within a time limit. Not thread-safe.</summary>
internal sealed class SmtpLine(TimeProvider clock) : IAsyncDisposable
{
    private const int LongestReply = 64 * 1024;
    private static readonly TimeSpan QuitLimit = TimeSpan.FromSeconds(2);

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[4096];
    private Stream _stream = Stream.Null;
    private int _start, _end;
    private bool _isBroken = true;

    /// <summary>True once the line is encrypted.</summary>
    public bool IsEncrypted { get; private set; }

    public Task ConnectAsync(string host, int port, TimeSpan limit, CancellationToken cancellation) =>
        WithinAsync(SmtpStep.Connect, limit, async token =>
        {
            await _socket.ConnectAsync(host, port, token);
            _stream = new NetworkStream(_socket, ownsSocket: true);
            return true;
        }, cancellation);

    /// <param name="host">The name that the certificate must have.</param>
    /// <param name="trust">Which roots are trusted; null for the system's.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task EncryptAsync(string host, X509ChainPolicy? trust, TimeSpan limit, CancellationToken cancellation) =>
        WithinAsync(SmtpStep.Connect, limit, async token =>
        {
            // Text that came before the encryption could be anybody's, and would be read as the server's.
            if (_start < _end) throw new IOException("the server went on talking in the clear after STARTTLS");
            var encrypted = new SslStream(_stream);
            await encrypted.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = trust }, token);
            _stream = encrypted;
            return IsEncrypted = true;
        }, cancellation);

    /// <summary>Sends a command and reads its reply.</summary>
    public Task<SmtpReply> AskAsync(SmtpStep step, string command, TimeSpan limit, CancellationToken cancellation) =>
        WithinAsync(step, limit, async token =>
        {
            await _stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"), token);
            return await ReadReplyAsync(token);
        }, cancellation);

    /// <summary>Reads a reply.</summary>
    public Task<SmtpReply> ReadAsync(SmtpStep step, TimeSpan limit, CancellationToken cancellation) =>
        WithinAsync(step, limit, ReadReplyAsync, cancellation);

    /// <summary>Sends bytes as they are.</summary>
    public Task WriteAsync(SmtpStep step, ReadOnlyMemory<byte> bytes, TimeSpan limit, CancellationToken cancellation) =>
        WithinAsync(step, limit, async token =>
        {
            await _stream.WriteAsync(bytes, token);
            return true;
        }, cancellation);

    /// <summary>Says goodbye where the line still works, and closes it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isBroken)
        {
            try
            {
                await AskAsync(SmtpStep.Connect, "QUIT", QuitLimit, CancellationToken.None);
            }
            catch (SmtpFault)
            {
                // Every mail has had its answer by now; how the server takes the goodbye changes nothing.
                _isBroken = true;
            }
        }
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    // Whatever goes wrong below becomes one kind of fault, which knows where the talk was.
    private async Task<T> WithinAsync<T>(SmtpStep step, TimeSpan limit, Func<CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        _isBroken = true;
        try
        {
            var result = await work(both.Token);
            _isBroken = false;
            return result;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new SmtpFault(step, null, $"The mail server did not answer within {limit.TotalSeconds:0} s ({Name(step)}).");
        }
        catch (AuthenticationException e)
        {
            throw new SmtpFault(step, null,
                $"STARTTLS failed, so nothing was sent: {e.Message} SMTP_URL must name the host as its certificate does, and the certificate's issuer must be trusted by this machine.",
                needsOperator: true, e);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new SmtpFault(step, null, step == SmtpStep.Connect
                ? $"The mail server cannot be used: {e.Message}"
                : $"The line to the mail server was lost ({Name(step)}): {e.Message}", inner: e);
        }
    }

    private async Task<SmtpReply> ReadReplyAsync(CancellationToken cancellation)
    {
        var lines = new List<string>();
        for (var length = 0; ;)
        {
            var line = await ReadLineAsync(cancellation);
            length += line.Length;
            if (length > LongestReply) throw new IOException("its reply does not end");
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
                throw new IOException("it does not speak SMTP");
            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length == 3 || line[3] != '-') return new(code, lines);
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (true)
        {
            var ends = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            var taken = ends < 0 ? _end - _start : ends + 1;
            line.Append(Encoding.UTF8.GetString(_buffer, _start, taken));
            _start += taken;
            if (ends >= 0) return line.ToString().TrimEnd('\r', '\n');
            if (line.Length > LongestReply) throw new IOException("its reply does not end");
            (_start, _end) = (0, await _stream.ReadAsync(_buffer, cancellation));
            if (_end == 0) throw new IOException("the server closed it");
        }
    }

    private static string Name(SmtpStep step) => step switch
    {
        SmtpStep.Connect => "while connecting",
        SmtpStep.Sender => "at the sender",
        SmtpStep.Recipient => "at the recipient",
        SmtpStep.Content => "while the mail went over",
        _ => "after the mail went over, so it may have arrived",
    };
}
