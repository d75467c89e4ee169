using System.CommandLine;
using System.Net;
using System.Net.Sockets;

namespace JobPlatform.Server.Cli;

/// <summary><c>sink</c>: a mail server that sends nothing on, for trying things out.</summary>
internal static class SinkCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port")
        {
            Description = "Where to listen, on 127.0.0.1; 0 for any free port.",
            CustomParser = result => Options.Whole(result, 0, 65_535),
            DefaultValueFactory = _ => 2525,
        };
        var folder = new Option<string>("--folder") { Description = "Where the mails go, one .eml file each.", Required = true };
        var sink = new Command("sink", "Take mail on this machine's own address and keep it as .eml files; nothing is sent on.") { port, folder };
        sink.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(port), parsed.GetValue(folder)!, cancellation));
        return sink;
    }

    private static async Task<int> RunAsync(int port, string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        // Loopback only: whoever can reach it could fill the disk.
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
        }
        catch (SocketException e)
        {
            throw CliException.Refused($"--port: {port} cannot be used ({e.Message}). Choose another one.");
        }
        await Console.Out.WriteLineAsync($"Mail to smtp://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port} goes to {Path.GetFullPath(folder)}");
        await new MailSink(listener, folder, TimeProvider.System).RunAsync(cancellation);
        return ExitCode.Well;
    }
}
