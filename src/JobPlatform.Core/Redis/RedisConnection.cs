using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace JobPlatform.Core.Redis;

/// <summary>
/// A line to Redis in its own protocol (RESP 2), for the few commands that handlers need: opened for a run and closed
/// with it, so that a run after a failure begins with a new one. Not thread-safe.
/// </summary>
public sealed class RedisConnection : IAsyncDisposable
{
    private const int LargestReply = 64 * 1024 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly RedisServer _server;
    private readonly TcpClient _client = new() { NoDelay = true };
    private readonly byte[] _buffer = new byte[16 * 1024];
    private Stream _stream = Stream.Null;
    private int _start, _end;

    private RedisConnection(RedisServer server) => _server = server;

    /// <summary>Connects, and logs in where the address has a password.</summary>
    /// <exception cref="RedisException">It cannot be reached, or refuses.</exception>
    public static async Task<RedisConnection> OpenAsync(RedisServer server, CancellationToken cancellation = default)
    {
        var connection = new RedisConnection(server);
        try
        {
            await connection.WithinAsync("connecting", connection.ConnectAsync, cancellation);
            if (server.Password is { } password)
                await connection.SendAsync(cancellation, server.User is { } user ? ["AUTH", user, password] : ["AUTH", password]);
            if (server.Database > 0) await connection.SendAsync(cancellation, "SELECT", server.Database.ToString(CultureInfo.InvariantCulture));
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a command and reads its reply: a text, a <see cref="long"/>, an array of such, or null.</summary>
    /// <exception cref="RedisException">Redis refuses it, does not answer within 10 s, or the line is lost.</exception>
    public Task<object?> SendAsync(CancellationToken cancellation, params IReadOnlyList<string> command) => WithinAsync(command[0], async token =>
    {
        var request = new MemoryStream();
        Write(request, $"*{command.Count}\r\n");
        foreach (var part in command)
        {
            Write(request, $"${Encoding.UTF8.GetByteCount(part)}\r\n");
            Write(request, part);
            Write(request, "\r\n");
        }
        await _stream.WriteAsync(request.GetBuffer().AsMemory(0, (int)request.Length), token);
        return await ReadAsync(command[0], token);
    }, cancellation);

    /// <summary>All keys that match a pattern, page by page; one that comes or goes meanwhile may be among them or not, and a key may come twice.</summary>
    public async IAsyncEnumerable<string> ScanAsync(string pattern, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var cursor = "0";
        do
        {
            var page = (object?[])(await SendAsync(cancellation, "SCAN", cursor, "MATCH", pattern, "COUNT", "500"))!;
            cursor = (string)page[0]!;
            foreach (var key in (object?[])page[1]!) yield return (string)key!;
        }
        while (cursor != "0");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _client.Dispose();
    }

    private async Task<object?> ConnectAsync(CancellationToken cancellation)
    {
        await _client.ConnectAsync(_server.Host, _server.Port, cancellation);
        _stream = _client.GetStream();
        if (!_server.IsEncrypted) return null;
        var encrypted = new SslStream(_stream);
        _stream = encrypted;
        await encrypted.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = _server.Host }, cancellation);
        return null;
    }

    private async Task<object?> WithinAsync(string command, Func<CancellationToken, Task<object?>> work, CancellationToken cancellation)
    {
        // Real time: the server that it waits for is real.
        using var timer = new CancellationTokenSource(Limit, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return await work(both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RedisException($"Redis at {_server} did not answer within {Limit.TotalSeconds:0} s ({command}). Check REDIS_URL.");
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            throw new RedisException($"The line to Redis at {_server} failed ({command}): {e.Message} Check REDIS_URL.", e);
        }
    }

    private async Task<object?> ReadAsync(string command, CancellationToken cancellation)
    {
        var line = await ReadLineAsync(cancellation);
        switch (line[0])
        {
            case '+': return line[1..];
            case ':': return long.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
            case '-': throw new RedisException($"Redis at {_server} refuses {command}: {line[1..]}");
            case '$': return await ReadTextAsync(ReadLength(line), cancellation);
            case '*':
                var length = ReadLength(line);
                if (length < 0) return null;
                var items = new object?[length];
                for (var i = 0; i < length; i++) items[i] = await ReadAsync(command, cancellation);
                return items;
            default: throw new IOException("it does not speak Redis' protocol.");
        }
    }

    private static int ReadLength(string line) =>
        int.TryParse(line.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var length) && length <= LargestReply
            ? length : throw new IOException("its reply is too large.");

    private async Task<string?> ReadTextAsync(int length, CancellationToken cancellation)
    {
        if (length < 0) return null;
        var bytes = new byte[length + 2];
        for (var read = 0; read < bytes.Length;)
        {
            if (_start == _end) await FillAsync(cancellation);
            var count = Math.Min(_end - _start, bytes.Length - read);
            _buffer.AsSpan(_start, count).CopyTo(bytes.AsSpan(read));
            (_start, read) = (_start + count, read + count);
        }
        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        var line = new StringBuilder();
        while (line.Length == 0 || line[^1] != '\n')
        {
            if (_start == _end) await FillAsync(cancellation);
            line.Append((char)_buffer[_start++]);
            if (line.Length > _buffer.Length) throw new IOException("its reply does not end.");
        }
        return line.ToString(0, line.Length - 2);
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        (_start, _end) = (0, await _stream.ReadAsync(_buffer, cancellation));
        if (_end == 0) throw new IOException("the server closed it.");
    }

    private static void Write(MemoryStream request, string text) => request.Write(Encoding.UTF8.GetBytes(text));
}
