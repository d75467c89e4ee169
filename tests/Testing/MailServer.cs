using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace JobPlatform.Testing;

/// <summary>A mail as the mail server kept it.</summary>
/// <param name="Id">What stands between the brackets of Message-ID.</param>
/// <param name="To">The recipient of the envelope.</param>
/// <param name="From">The sender of the envelope.</param>
/// <param name="Secure">True when it came over TLS.</param>
/// <param name="User">Who was logged in; null for nobody.</param>
/// <param name="Data">Headers and body.</param>
public sealed record KeptMail(string Id, string To, string From, bool Secure, string? User, string Data);

/// <summary>
/// A real mail server as a process of its own (<c>tests/smtp-server/server.js</c>, which says what recipients' names
/// make it do).
/// </summary>
public sealed class MailServer : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly Process _process;
    private readonly ConcurrentQueue<KeptMail> _kept = new();
    private readonly SemaphoreSlim _contents = new(0);
    private readonly Task _reading;

    private MailServer(Process process, int port)
    {
        (_process, Port) = (process, port);
        _reading = ReadAsync();
    }

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Starts one; the options are those of the script.</summary>
    public static async Task<MailServer> StartAsync(object? options = null)
    {
        var folder = Path.Combine(TestCluster.RepositoryRoot, "tests", "smtp-server");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            throw new InvalidOperationException($"The test mail server is not installed: run tests/run.sh once, or 'npm ci' in {folder}.");
        var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(folder, "server.js"), JsonSerializer.Serialize(options ?? new { }, Json)])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The mail server did not start.");
        return new MailServer(process, JsonElement.Parse(line).GetProperty("port").GetInt32());
    }

    /// <summary>Waits until one more mail has come over; the server may not have answered it.</summary>
    public async Task WaitForContentAsync()
    {
        if (!await _contents.WaitAsync(TimeSpan.FromSeconds(20))) throw new TimeoutException("No mail came.");
    }

    /// <summary>Answers the mails that are held.</summary>
    public async Task ReleaseAsync()
    {
        await _process.StandardInput.WriteLineAsync("release");
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Ends the server as a crash does.</summary>
    /// <returns>The mails that it had kept, in their order.</returns>
    public async Task<IReadOnlyCollection<KeptMail>> KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
        return _kept;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        _contents.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var said = JsonElement.Parse(line);
            if (said.TryGetProperty("accepted", out var mail))
            {
                var kept = mail.Deserialize<KeptMail>(Json)!;
                _kept.Enqueue(kept with { Data = Encoding.UTF8.GetString(Convert.FromBase64String(kept.Data)) });
            }
            else
            {
                _contents.Release();
            }
        }
    }
}
