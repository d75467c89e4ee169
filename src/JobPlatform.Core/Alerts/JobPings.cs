using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Alerts;

/// <summary>
/// Tells the <c>ping_url</c> of a job of each start and end, as healthchecks.io takes it: <c>URL/start</c>, <c>URL</c> for a
/// success, <c>URL/fail</c>, and <c>URL/log</c> for what decides nothing yet; the body is the exit text, <c>rid</c> the run.
/// No run waits for it. The pings of a job go one after the other, so that no end comes before its start. Thread-safe.
/// </summary>
public sealed partial class JobPings(OutgoingHttp http, TimeProvider clock, ILogger<JobPings> log)
{
    private const int MostPending = 1000;
    private const int LongestText = 10_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Task> _last = [];
    private int _pending;

    internal void Started(Job job, ClaimedRun run) => Send(job, run.Id, "/start", "");

    /// <param name="ending">How an attempt ended.</param>
    /// <param name="recorded">The run's state that was recorded.</param>
    internal void Ended(RunEnding ending, RunStatus recorded)
    {
        if (ending.Job is not { } job) return;
        switch (recorded)
        {
            case RunStatus.Success: Send(job, ending.Run.Id, "", ending.Output ?? ""); break;
            case RunStatus.Failed or RunStatus.Canceled: Send(job, ending.Run.Id, "/fail", MessageOf(ending.Error)); break;
            case RunStatus.Skipped when ending.SkipReason == "safety_stop": Send(job, ending.Run.Id, "/fail", $"Stopped for safety: {ending.Output}"); break;
            case RunStatus.Skipped: Send(job, ending.Run.Id, "/log", $"Skipped: {ending.SkipReason}"); break;
            case RunStatus.Retrying: Send(job, ending.Run.Id, "/log", $"Attempt {ending.Run.Attempt} failed and is tried again: {MessageOf(ending.Error)}"); break;
            default: Send(job, ending.Run.Id, "/log", "Put off."); break;
        }
    }

    /// <summary>Waits for what is under way, so that a process that ends tells of its last runs.</summary>
    internal async Task DrainAsync(TimeSpan limit)
    {
        Task[] last;
        lock (_gate) last = [.. _last.Values];
        using var enough = new CancellationTokenSource();
        await Task.WhenAny(Task.WhenAll(last), Task.Delay(limit, clock, enough.Token));
        await enough.CancelAsync();
    }

    private void Send(Job job, Guid runId, string suffix, string text)
    {
        if (job.PingUrl is not { } url) return;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
        {
            LogNotSent(job.Name, "its ping_url is not an address.");
            return;
        }
        lock (_gate)
        {
            if (_pending >= MostPending)
            {
                LogNotSent(job.Name, "too many pings wait.");
                return;
            }
            _pending++;
            var before = _last.GetValueOrDefault(job.Id, Task.CompletedTask);
            _last[job.Id] = SendAsync(before, job, At(address, suffix, runId), text);
        }
    }

    private async Task SendAsync(Task before, Job job, Uri address, string text)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        var body = Encoding.UTF8.GetBytes(text.Length <= LongestText ? text : text[..LongestText]);
        try
        {
            var answer = await http.SendAsync(new OutgoingCall
            {
                Address = address, Source = AddressSource.Row, TimeLimit = Limit, Retries = 2, MostBytes = 1024, CreateRequest = () => Request(body),
            });
            if (!answer.IsSuccess) LogNotSent(job.Name, $"the answer was {answer.Status}.");
        }
        catch (OutgoingException e)
        {
            LogNotSent(job.Name, e.Message);
        }
        finally
        {
            lock (_gate) _pending--;
        }
    }

    private static HttpRequestMessage Request(byte[] body) => new(HttpMethod.Post, (Uri?)null)
    {
        Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("text/plain", "utf-8") } },
    };

    private static Uri At(Uri address, string suffix, Guid runId)
    {
        var built = new UriBuilder(address) { Path = address.AbsolutePath.TrimEnd('/') + suffix };
        built.Query = built.Query.Length > 1 ? $"{built.Query[1..]}&rid={runId}" : $"rid={runId}";
        return built.Uri;
    }

    private static string MessageOf(string? error) =>
        error is not null && JsonElement.Parse(error).TryGetProperty("message", out var message) ? message.GetString() ?? "" : "";

    [LoggerMessage(4221, LogLevel.Warning, "The ping of {Job} was not taken: {Fault}")]
    private partial void LogNotSent(string job, string fault);
}
