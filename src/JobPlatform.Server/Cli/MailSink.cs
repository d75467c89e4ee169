using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace JobPlatform.Server.Cli;

/// <summary>
/// The smallest mail server that a mail client is content with: takes every mail and keeps it in a folder. No TLS, no
/// login, no relaying. A mail is answered when its file is complete.
/// </summary>
internal sealed class MailSink(TcpListener listener, string folder, TimeProvider clock)
{
    private const int LargestMail = 50 * 1024 * 1024;
    private const int LongestLine = 64 * 1024;
    private int _count;

    /// <summary>Serves until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(cancellation);
                clients.RemoveAll(task => task.IsCompleted);
                clients.Add(ServeAsync(client, cancellation));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken cancellation)
    {
        using (client)
        {
            try
            {
                await TalkAsync(new Talk(client.GetStream()), cancellation);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                if (!cancellation.IsCancellationRequested) await Console.Error.WriteLineAsync($"A client went away: {e.Message}");
            }
        }
    }

    private async Task TalkAsync(Talk talk, CancellationToken cancellation)
    {
        await talk.SayAsync("220 jobplatform sink", cancellation);
        while (await talk.ReadLineAsync(LongestLine, cancellation) is { } bytes)
        {
            var line = Encoding.UTF8.GetString(bytes);
            switch (line.Split(' ', 2)[0].ToUpperInvariant())
            {
                case "EHLO":
                    await talk.SayAsync($"250-jobplatform sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {LargestMail}", cancellation);
                    break;
                case "HELO" or "MAIL" or "RCPT" or "RSET" or "NOOP":
                    await talk.SayAsync("250 fine", cancellation);
                    break;
                case "DATA":
                    await talk.SayAsync("354 go on, a dot alone ends it", cancellation);
                    await talk.SayAsync(await KeepAsync(talk, cancellation), cancellation);
                    break;
                case "QUIT":
                    await talk.SayAsync("221 goodbye", cancellation);
                    return;
                default:
                    await talk.SayAsync("502 not known here", cancellation);
                    break;
            }
        }
    }

    private async Task<string> KeepAsync(Talk talk, CancellationToken cancellation)
    {
        using var mail = new MemoryStream();
        while (true)
        {
            var line = await talk.ReadLineAsync(LargestMail, cancellation) ?? throw new IOException("the line was lost within a mail");
            if (line is [(byte)'.']) break;
            if (mail.Length + line.Length > LargestMail) throw new IOException("the mail does not end");
            mail.Write(line.AsSpan(line is [(byte)'.', ..] ? 1 : 0));
            mail.Write("\r\n"u8);
        }
        var name = string.Create(CultureInfo.InvariantCulture,
            $"{clock.GetUtcNow().UtcDateTime:yyyyMMdd-HHmmss-fff}-{Environment.ProcessId}-{Interlocked.Increment(ref _count):00000}.eml");
        var path = Path.Combine(folder, name);
        await File.WriteAllBytesAsync(path + ".new", mail.ToArray(), cancellation);
        File.Move(path + ".new", path);
        return $"250 kept as {name}";
    }

    private sealed class Talk(NetworkStream stream)
    {
        private readonly byte[] _buffer = new byte[16 * 1024];
        private int _start, _end;

        public async Task SayAsync(string reply, CancellationToken cancellation) =>
            await stream.WriteAsync(Encoding.UTF8.GetBytes(reply + "\r\n"), cancellation);

        /// <summary>The next line without its end; null when the client has closed.</summary>
        public async Task<byte[]?> ReadLineAsync(int longest, CancellationToken cancellation)
        {
            using var line = new MemoryStream();
            while (true)
            {
                var ends = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
                line.Write(_buffer, _start, ends < 0 ? _end - _start : ends);
                _start = ends < 0 ? _end : _start + ends + 1;
                if (ends >= 0)
                {
                    var bytes = line.ToArray();
                    return bytes is [.., (byte)'\r'] ? bytes[..^1] : bytes;
                }
                if (line.Length > longest) throw new IOException("a line does not end");
                (_start, _end) = (0, await stream.ReadAsync(_buffer, cancellation));
                if (_end == 0) return null;
            }
        }
    }
}
