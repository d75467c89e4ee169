using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Testing;

/// <summary>A request as the receiver got it.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">The path with the query.</param>
/// <param name="Headers">The headers; names without regard to case.</param>
/// <param name="Body">The body, which was UTF-8.</param>
public sealed record ReceivedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A real HTTP server that answers as the test says, and counts connections. Thread-safe.</summary>
public sealed class HttpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private int _connections;

    private HttpReceiver(IPAddress address, RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(address, 0, listen => listen.Use(next => connection =>
            {
                Interlocked.Increment(ref _connections);
                return next(connection);
            }));
        });
        builder.Services.AddRouting();
        _app = builder.Build();
        _app.Run(async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var request = new ReceivedRequest(http.Request.Method, http.Request.Path + http.Request.QueryString,
                http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                await reader.ReadToEndAsync());
            _requests.Enqueue(request);
            http.Items[typeof(ReceivedRequest)] = request;
            await answer(http);
        });
    }

    /// <summary>The port.</summary>
    public int Port => new Uri(_app.Urls.Single()).Port;

    /// <summary>How many connections were made.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>What was received, in its order.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => [.. _requests];

    /// <summary>Starts one on a free port.</summary>
    /// <param name="answer">What it answers; null for an empty 200. The request that was read is in the items, under its type.</param>
    /// <param name="address">Where it listens; null for 127.0.0.1.</param>
    public static async Task<HttpReceiver> StartAsync(RequestDelegate? answer = null, IPAddress? address = null)
    {
        var receiver = new HttpReceiver(address ?? IPAddress.Loopback, answer ?? (_ => Task.CompletedTask));
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
