using System.Collections.Concurrent;
using System.Diagnostics;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Telemetry;
using JobPlatform.Handlers;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace JobPlatform.Server.Tests.Telemetry;

public sealed class TraceTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Test]
    public async Task A_call_of_the_API_its_run_the_handlers_SQL_and_the_webhook_are_one_trace()
    {
        var spans = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "JobPlatform" or "Npgsql" or "System.Net.Http",
            Sample = static (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Parent.TraceId.ToHexString() == TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            // Who exports listens to all that this process does.
            ActivityStopped = span =>
            {
                if (span.TraceId.ToHexString() == TraceId) spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var host = await ApiHost.StartAsync();
        await using var receiver = await HttpReceiver.StartAsync();
        await AddJobsAsync(host, receiver);
        await using var worker = await TestPlatform.StartAsync(host.Database.ConnectionString, handlers: typeof(HandlersAssembly).Assembly, outgoingAllowed: "127.0.0.1");

        foreach (var job in (string[])["probe", "hook"]) await worker.WaitForEndAsync(await EnqueueAsync(host, job, TraceId));

        var runs = spans.Where(span => span.Source.Name == "JobPlatform").ToDictionary(span => span.OperationName);
        Assert.That(runs.Keys, Is.EquivalentTo((string[])["run probe", "run hook"]));
        Assert.That(spans.Where(span => span.Source.Name == "Npgsql" && span.ParentSpanId == runs["run probe"].SpanId), Is.Not.Empty, "the handler's SQL");
        var call = spans.Single(span => span.Source.Name == "System.Net.Http");
        Assert.That(call.ParentSpanId, Is.EqualTo(runs["run hook"].SpanId));
        Assert.That(receiver.Requests.Single().Headers["traceparent"], Is.EqualTo(call.Id));
        Assert.That(runs["run probe"].GetTagItem("jobplatform.status"), Is.EqualTo("success"));
    }

    [Test]
    public async Task Where_nobody_listens_the_callers_trace_goes_through_the_queue_to_the_webhook_all_the_same()
    {
        await using var host = await ApiHost.StartAsync();
        await using var receiver = await HttpReceiver.StartAsync();
        await AddJobsAsync(host, receiver);
        await using var worker = await TestPlatform.StartAsync(host.Database.ConnectionString, outgoingAllowed: "127.0.0.1");

        await worker.WaitForEndAsync(await EnqueueAsync(host, "hook", "33333333333333333333333333333333"));
        // As an application in any language does it.
        await worker.WaitForEndAsync(await host.Database.ScalarAsync<Guid>(
            "SELECT jobplatform.enqueue_job('hook') FROM set_config('jobplatform.traceparent', '00-11111111111111111111111111111111-2222222222222222-01', false)"));
        await worker.WaitForEndAsync(await host.Database.ScalarAsync<Guid>(
            "SELECT jobplatform.enqueue_job('hook') FROM set_config('jobplatform.traceparent', 'whatever', false)"));

        var traces = receiver.Requests.Select(request => request.Headers.GetValueOrDefault("traceparent")).ToList();
        Assert.That(traces[0], Does.StartWith("00-33333333333333333333333333333333-"));
        Assert.That(traces[1], Does.StartWith("00-11111111111111111111111111111111-"));
        Assert.That(traces[2], Is.Null, "no trace is made up");
    }

    [Test]
    public async Task The_runs_of_an_event_belong_to_the_trace_of_who_told_it()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("blobs", "delete-chat-blobs");
        await new EventTypes(host.Services.GetRequiredService<HandlerCatalog>()).PublishAsync(host.Services.GetRequiredService<PlatformDatabase>());

        await SendAsync(host, "/api/events", """{"type": "chat.deleted", "payload": {"chat_id": 5}}""", TraceId);

        Assert.That(await host.Database.ScalarAsync<string>("SELECT traceparent FROM jobplatform.job_runs"), Does.StartWith($"00-{TraceId}-"));
    }

    [Test]
    public async Task A_collector_gets_traces_and_metrics()
    {
        await using var collector = await HttpReceiver.StartAsync();
        await using var host = await ApiHost.StartAsync(settings: [$"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{collector.Port}"]);
        await SendAsync(host, "/api/jobs/run", """{"job": "nowhere"}""", "44444444444444444444444444444444");
        await host.Services.GetRequiredService<LoadReader>().GetAsync();

        // As at the end of the process.
        host.Services.GetRequiredService<TracerProvider>().ForceFlush();
        host.Services.GetRequiredService<MeterProvider>().ForceFlush();

        var received = collector.Requests.ToLookup(request => request.Path, request => request.Body);
        Assert.That(received["/v1/traces"], Has.Some.Contains("/api/jobs/run").And.Some.Contains("FROM jobplatform.jobs"));
        Assert.That(received["/v1/metrics"], Has.Some.Contains("jobplatform.workers"));
    }

    private static async Task AddJobsAsync(ApiHost host, HttpReceiver receiver)
    {
        await host.Database.ExecuteAsync(ProbeHandler.Table);
        await host.AddJobAsync("probe", "probe");
        await host.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES ('hook', @Address)", new { Address = $"http://127.0.0.1:{receiver.Port}/" });
        await host.AddJobAsync("hook", "hook");
    }

    private static async Task<Guid> EnqueueAsync(ApiHost host, string job, string traceId) =>
        (await (await SendAsync(host, "/api/jobs/run", $$"""{"job": "{{job}}"}""", traceId)).ReadAsync()).GetProperty("run_id").GetGuid();

    private static async Task<HttpResponseMessage> SendAsync(ApiHost host, string address, string body, string traceId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("traceparent", $"00-{traceId}-00f067aa0ba902b7-01");
        return await host.Client.SendAsync(request);
    }
}
