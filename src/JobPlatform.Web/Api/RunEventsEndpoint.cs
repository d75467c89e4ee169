using System.Globalization;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace JobPlatform.Web.Api;

/// <summary>
/// <c>GET /api/runs/{id}/events</c>: a run as it happens, as server-sent events: <c>line</c> (with the line's id, after
/// which a reader that comes back goes on; the first time <c>after</c> says where to begin), <c>run</c> (status, progress) and at last <c>end</c>.
/// </summary>
internal static class RunEventsEndpoint
{
    // A reader comes back by itself, and is asked for its key again.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    // Proxies end what says nothing for a minute; only writing shows that a reader has gone; and so often it is asked whether
    // the caller's session or key still holds.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public static void MapRunEvents(this IEndpointRouteBuilder api) =>
        api.MapGet("/runs/{id}/events", WatchAsync).RequireAccess(Access.Read, ClientScopes.RunsRead).Describe(new("runs", $"Watch a run: its state, its progress and its log, until it ends. At most {RunEvents.MostWatchers} at once watch at one server process.")
        {
            Query = [RunEndpoints.After], Answer = typeof(string), MediaType = "text/event-stream", Problems = ["404 run-not-found", "422 invalid-request", "503 too-many-watchers"],
        });

    private static async Task<IResult> WatchAsync(
        string id, HttpContext context, RunStore runs, RunEvents events, StillAllowed allowed, IHostApplicationLifetime host, TimeProvider clock, CancellationToken cancellation)
    {
        var header = context.Request.Headers["Last-Event-ID"];
        var query = new QueryReader(context.Request);
        // Of a reader that comes back the header is newer than the address that it began with.
        var after = query.Get(RunEndpoints.After) ?? 0;
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        if (header.Count > 0 && !long.TryParse(header.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out after))
            return Problem.Invalid(new ConfigFault("Last-Event-ID", $"'{Shown.Shorten(header.ToString())}' is not the id of a line, a whole number from 0."));
        if (!Guid.TryParse(id, out var key) || await runs.FindAsync(key, cancellation) is null) return Problem.RunNotFound(Shown.Shorten(id));
        using var watch = await events.TryWatchAsync(key, cancellation);
        if (watch is null)
            return new Problem(StatusCodes.Status503ServiceUnavailable, "too-many-watchers", "Too many watch runs.",
                $"{RunEvents.MostWatchers} watch runs at this server already. Read the run and its log instead, or try again.") { RetryAfter = Longest / 20 };

        context.Response.ContentType = "text/event-stream";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        using var timeUp = new CancellationTokenSource(Longest, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, host.ApplicationStopping, timeUp.Token);
        try
        {
            await WriteAsync(context, watch.ReadAsync(after, stop.Token), allowed, clock, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The reader has gone, comes back, or may read no more.
        }
        return Results.Empty;
    }

    private static async Task WriteAsync(HttpContext context, IAsyncEnumerable<RunEvent> events, StillAllowed allowed, TimeProvider clock, CancellationTokenSource stop)
    {
        var (response, askedAt) = (context.Response, clock.GetTimestamp());
        await using var reader = events.GetAsyncEnumerator(stop.Token);
        var next = reader.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                if (!next.IsCompleted) await Task.WhenAny(next, Task.Delay(Heartbeat, clock, stop.Token));
                stop.Token.ThrowIfCancellationRequested();
                if (clock.GetElapsedTime(askedAt) >= Heartbeat)
                {
                    if (!await allowed.AskAsync(context, stop.Token)) await stop.CancelAsync();
                    stop.Token.ThrowIfCancellationRequested();
                    askedAt = clock.GetTimestamp();
                }
                if (!next.IsCompleted)
                {
                    await WriteAsync(response, ": still here\n\n", stop.Token);
                    continue;
                }
                if (!await next) return;
                await WriteAsync(response, ToText(reader.Current), stop.Token);
                next = reader.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            // An enumerator may be disposed only when it does not move any more.
            await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private static async Task WriteAsync(HttpResponse response, string text, CancellationToken stop)
    {
        await response.WriteAsync(text, stop);
        await response.Body.FlushAsync(stop);
    }

    // JSON has no line breaks of its own, and so is one line of data.
    private static string ToText(RunEvent happened) => happened switch
    {
        { Line: { } line } => $"id: {line.Id}\nevent: line\ndata: {JsonSerializer.Serialize(line, ApiJson.Options)}\n\n",
        { Run: { } run } when run.Status.IsEnd() => $"event: run\ndata: {JsonSerializer.Serialize(run, ApiJson.Options)}\n\nevent: end\ndata: {{\"status\":\"{run.Status.ToWord()}\"}}\n\n",
        _ => $"event: run\ndata: {JsonSerializer.Serialize(happened.Run, ApiJson.Options)}\n\n",
    };
}
