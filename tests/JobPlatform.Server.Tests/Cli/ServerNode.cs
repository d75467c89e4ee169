using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace JobPlatform.Server.Tests.Cli;

/// <summary>The server as a process of its own, told to stop as an operator's machine tells it.</summary>
internal sealed class ServerNode : IAsyncDisposable
{
    private const string Key = "kS9-2mQx7Vb4TzPw1LrYc8NhUe5JdAf3";
    private readonly Process _process;

    private ServerNode(Process process, string address)
    {
        _process = process;
        Http = new HttpClient { BaseAddress = new Uri(address), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Key) } };
    }

    /// <summary>Calls it with the operator's key.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts one on a free port and waits until it is ready.</summary>
    public static async Task<ServerNode> StartAsync(CommandLineFixture cli, params string[] arguments)
    {
        cli.Environment["JOBS_SECRET_KEY"] = Key;
        using var port = new TcpListener(IPAddress.Loopback, 0);
        port.Start();
        var address = $"http://{port.LocalEndpoint}";
        port.Stop();
        var process = cli.Start(["serve", "--urls", address, .. arguments]);
        process.StandardInput.Close();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var node = new ServerNode(process, address);
        while (!await node.IsReadyAsync())
        {
            if (process.HasExited) throw new InvalidOperationException($"The server ended with exit code {process.ExitCode}.");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
        return node;
    }

    /// <summary>Sends SIGTERM, waits for the end and returns the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"])) await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
