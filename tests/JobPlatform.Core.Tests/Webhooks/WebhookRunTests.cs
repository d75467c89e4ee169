using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Webhooks;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Core.Tests.Webhooks;

public sealed class WebhookRunTests
{
    private const string Secret = "sk-live 0123456789/+=";

    [Test]
    public async Task A_run_posts_what_it_is_and_keeps_what_was_answered()
    {
        await using var bench = await WebhookBench.StartAsync(http => http.Response.WriteAsJsonAsync(new { synced = 12, last = "2026-01-31" }));
        await bench.AddAsync(webhook => webhook with { Headers = new Dictionary<string, string> { ["X-Team"] = "growth" } }, null, """config = '{"full": false, "page": {"size": 50}, "since": null}'""");

        var run = await bench.RunAsync(new { full = true });

        var request = bench.Receiver.Requests.Single();
        var body = JsonElement.Parse(request.Body);
        Assert.Multiple(() =>
        {
            Assert.That(run.Status, Is.EqualTo(RunStatus.Success));
            Assert.That(JsonElement.DeepEquals(run.Output!.Value, JsonElement.Parse("""{"status": 200, "body": {"synced": 12, "last": "2026-01-31"}}""")), run.Output.ToString());
            Assert.That((request.Method, request.Path, request.Headers["Content-Type"], request.Headers["X-Team"]),
                Is.EqualTo(("POST", "/hooks/crm", "application/json; charset=utf-8", "growth")));
            Assert.That(JsonElement.DeepEquals(body, JsonElement.Parse(
                $$"""{"job": "sync", "run_id": "{{run.Id}}", "attempt": 1, "trigger": "manual", "scheduled_for": null, "config": {"full": true, "page": {"size": 50}, "since": null} }""")), request.Body);
            Assert.That(request.Headers["webhook-id"], Is.EqualTo($"{run.Id}"));
            Assert.That(request.Headers.Keys, Does.Not.Contain("webhook-signature").And.Not.Contain("Authorization").And.Not.Contain("traceparent"));
        });
    }

    [TestCase(WebhookAuth.Bearer, null, "Authorization", "Bearer " + Secret)]
    [TestCase(WebhookAuth.Basic, "me", "Authorization", "Basic bWU6c2stbGl2ZSAwMTIzNDU2Nzg5Lys9")]
    [TestCase(WebhookAuth.ApiKey, null, "X-API-Key", Secret)]
    [TestCase(WebhookAuth.ApiKey, "Api-Token", "Api-Token", Secret)]
    [TestCase(WebhookAuth.Header, "Authorization", "Authorization", Secret)]
    public async Task The_receiver_is_shown_who_calls(WebhookAuth auth, string? name, string header, string value)
    {
        await using var bench = await WebhookBench.StartAsync();
        var webhook = await bench.AddAsync(webhook => webhook with { Auth = auth, AuthName = name }, new WebhookSecrets { Auth = Secret });

        var run = await bench.RunAsync();

        Assert.That((run.Status, bench.Receiver.Requests.Single().Headers[header]), Is.EqualTo((RunStatus.Success, value)));
        Assert.That(webhook.SecretChangedAt, Is.Not.Null);
    }

    [Test]
    public async Task A_signature_is_that_of_the_convention_and_the_id_is_the_same_in_every_attempt()
    {
        var answers = 0;
        await using var bench = await WebhookBench.StartAsync(http =>
        {
            http.Response.StatusCode = Interlocked.Increment(ref answers) == 1 ? 503 : 204;
            return Task.CompletedTask;
        });
        var secret = WebhookSignature.CreateSecret();
        await bench.AddAsync(secrets: new WebhookSecrets { Signing = secret });

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt, bench.Receiver.Requests.Count), Is.EqualTo((RunStatus.Success, 2, 2)));
        foreach (var (number, request) in bench.Receiver.Requests.Index())
        {
            // As a receiver verifies it, with nothing of the platform's.
            var signed = $"{request.Headers["webhook-id"]}.{request.Headers["webhook-timestamp"]}.{request.Body}";
            var expected = HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), Encoding.UTF8.GetBytes(signed));
            Assert.That(request.Headers["webhook-signature"], Is.EqualTo("v1," + Convert.ToBase64String(expected)));
            Assert.That(request.Headers["webhook-id"], Is.EqualTo($"{run.Id}"));
            Assert.That(DateTimeOffset.FromUnixTimeSeconds(long.Parse(request.Headers["webhook-timestamp"], System.Globalization.CultureInfo.InvariantCulture)),
                Is.EqualTo(TimeProvider.System.GetUtcNow()).Within(TimeSpan.FromMinutes(1)));
            Assert.That(JsonElement.Parse(request.Body).GetProperty("attempt").GetInt32(), Is.EqualTo(number + 1));
        }
    }

    [Test]
    public async Task A_status_that_may_pass_is_tried_again_by_the_jobs_own_policy([Values(408, 425, 429, 500, 503)] int status)
    {
        var answers = 0;
        await using var bench = await WebhookBench.StartAsync(http =>
        {
            http.Response.StatusCode = Interlocked.Increment(ref answers) <= 2 ? status : 200;
            return Task.CompletedTask;
        });
        await bench.AddAsync();

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt, bench.Receiver.Requests.Count), Is.EqualTo((RunStatus.Success, 3, 3)));
    }

    [Test]
    public async Task A_refusal_fails_for_good_and_keeps_the_answer([Values(400, 401, 404, 410)] int status)
    {
        await using var bench = await WebhookBench.StartAsync(http =>
        {
            http.Response.StatusCode = status;
            return http.Response.WriteAsync("no such\n  customer");
        });
        await bench.AddAsync();

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt, bench.Receiver.Requests.Count), Is.EqualTo((RunStatus.Failed, 1, 1)));
        Assert.That(RunWords.Message(run.Error), Does.Match($"^The webhook 'crm' answered {status} [A-Za-z ]+: no such customer$"));
        Assert.That((run.Output?.GetProperty("status").GetInt32(), run.Output?.GetProperty("body").GetString()), Is.EqualTo((status, "no such\n  customer")));
    }

    [Test]
    public async Task A_redirect_fails_for_good_and_says_so()
    {
        await using var inside = await HttpReceiver.StartAsync();
        await using var bench = await WebhookBench.StartAsync(http =>
        {
            http.Response.Redirect($"http://127.0.0.1:{inside.Port}/", permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });
        await bench.AddAsync();

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt, inside.Connections), Is.EqualTo((RunStatus.Failed, 1, 0)));
        Assert.That(RunWords.Message(run.Error), Does.Contain("redirects are not followed. Set its URL to where it leads."));
    }

    [TestCase("120", 115, 121)]
    [TestCase("2", 55, 61)]
    [TestCase("9999999", 86_395, 86_401)]
    [TestCase("soon", 55, 61)]
    public async Task Retry_After_moves_the_next_attempts_time_but_never_before_the_policys_nor_beyond_a_day(string retryAfter, int least, int most)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var bench = await WebhookBench.StartAsync(http =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers.RetryAfter = retryAfter;
            asked.TrySetResult();
            return Task.CompletedTask;
        });
        await bench.AddAsync(null, null, "retry_delays = '60'");
        var id = await bench.Platform.EnqueueAsync("sync");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));

        // Stopping drains: what has been answered is recorded.
        await bench.Platform.StopAsync();

        Assert.That(await bench.Database.ScalarAsync<string>("SELECT status FROM jobplatform.job_runs WHERE id = @id", new { id }), Is.EqualTo("retrying"));
        Assert.That(await bench.Database.ScalarAsync<double>("SELECT extract(epoch FROM run_at - now())::float8 FROM jobplatform.job_runs WHERE id = @id", new { id }),
            Is.InRange(least, most));
    }

    [Test]
    public async Task A_receiver_that_never_ends_its_answer_is_cut_off_when_it_is_long_and_given_up_when_it_is_slow()
    {
        await using var bench = await WebhookBench.StartAsync(async http =>
        {
            var isLong = http.Request.Headers["X-Kind"] == "long";
            while (true) await (isLong ? http.Response.WriteAsync(new string('x', 1000), http.RequestAborted) : Wait(http));
        });
        await bench.AddAsync(webhook => webhook with { TimeoutSeconds = 1 }, null, "max_attempts = 1");
        var slow = await bench.RunAsync();
        await bench.Database.ExecuteAsync("""UPDATE jobplatform.job_handlers SET headers = '{"X-Kind": "long"}', timeout_seconds = 30""");
        var endless = await bench.RunAsync();

        Assert.That(RunWords.Message(slow.Error), Is.EqualTo($"The webhook 'crm' has no answer: 127.0.0.1:{bench.Receiver.Port} gave no complete answer within 1 s."));
        Assert.That(endless.Status, Is.EqualTo(RunStatus.Success));
        Assert.That((endless.Output!.Value.GetProperty("body").GetString()!.Length, endless.Output.Value.GetProperty("truncated").GetBoolean()), Is.EqualTo((64 * 1024, true)));
    }

    [Test]
    public async Task The_jobs_own_time_limit_ends_a_call_too()
    {
        await using var bench = await WebhookBench.StartAsync(Wait);
        await bench.AddAsync(null, null, "max_attempts = 1", "timeout_seconds = 1");

        Assert.That(RunWords.Message((await bench.RunAsync()).Error), Does.Contain("timeout_seconds"));
    }

    [Test]
    public async Task A_run_whose_receiver_is_not_there_is_tried_again_when_it_is()
    {
        await using var bench = await WebhookBench.StartAsync();
        await bench.AddAsync(null, null, "max_attempts = 2", "retry_delays = '0'");
        var port = bench.Receiver.Port;
        await bench.Receiver.DisposeAsync();

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt), Is.EqualTo((RunStatus.Failed, 2)));
        Assert.That(RunWords.Message(run.Error), Does.StartWith($"The webhook 'crm' has no answer: 127.0.0.1:{port} could not be reached: Connection refused"));
    }

    [Test]
    public async Task A_webhook_that_leads_inside_fails_for_good_without_a_connection()
    {
        await using var bench = await WebhookBench.StartAsync(address: System.Net.IPAddress.Any);
        await bench.AddAsync();
        await bench.Database.ExecuteAsync("UPDATE jobplatform.job_handlers SET url = @url", new { url = $"http://127.0.0.2:{bench.Receiver.Port}/" });

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt, bench.Receiver.Connections), Is.EqualTo((RunStatus.Failed, 1, 0)));
        Assert.That(RunWords.Message(run.Error), Does.Contain("OUTGOING_ALLOW"));
    }

    [Test]
    public async Task A_run_of_a_disabled_or_deleted_or_never_known_webhook_says_so()
    {
        await using var bench = await WebhookBench.StartAsync();
        var webhook = await bench.AddAsync();
        await bench.Store.UpdateAsync(webhook with { IsEnabled = false }, 1, WebhookSecrets.Unchanged, new("test"));
        var disabled = await bench.RunAsync();
        await bench.Store.DeleteAsync("crm", 2, new("ada"));
        var deleted = await bench.RunAsync();
        await bench.Store.CreateAsync(webhook with { Key = "crn" }, WebhookSecrets.Unchanged, new("test"));
        await bench.Database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'crb'");
        var unknown = await bench.RunAsync();

        Assert.That((disabled.Attempt, deleted.Attempt, unknown.Attempt, bench.Receiver.Connections), Is.EqualTo((1, 1, 1, 0)));
        Assert.That(RunWords.Message(disabled.Error), Is.EqualTo("The webhook 'crm' is disabled. Enable it, or disable the job."));
        Assert.That(RunWords.Message(deleted.Error), Does.Match("^The webhook 'crm' was deleted at [-0-9: ]+ UTC by ada. Make it again, or give the job another handler.$"));
        Assert.That(RunWords.Message(unknown.Error), Is.EqualTo("There is no handler 'crb'. Did you mean crn? 'jobplatform handlers list' and 'jobplatform webhooks list' show them all."));
    }

    [Test]
    public async Task Headers_that_were_written_by_SQL_cannot_add_others_and_those_of_contents_are_sent_too(
        [Values("""{"X-A": "a\r\nX-Evil: 1"}""", """{"X-A": "a\nX-Evil: 1"}""", """{"X-A\r\nX-Evil": "1"}""", """{"webhook-id": "1"}""", """{"Host": "inside"}""")] string headers)
    {
        await using var bench = await WebhookBench.StartAsync();
        await bench.AddAsync(webhook => webhook with { Headers = new Dictionary<string, string> { ["Content-Language"] = "de" } });
        await bench.RunAsync();
        await bench.Database.ExecuteAsync("UPDATE jobplatform.job_handlers SET headers = @headers::jsonb", new { headers });

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt), Is.EqualTo((RunStatus.Failed, 1)));
        Assert.That(RunWords.Message(run.Error), Does.StartWith("The webhook 'crm' cannot be called as it is: headers: "));
        Assert.That(bench.Receiver.Requests.Single().Headers["Content-Language"], Is.EqualTo("de"));
    }

    [Test]
    public async Task A_secret_that_no_key_opens_or_whose_url_was_changed_by_SQL_is_sent_nowhere()
    {
        await using var bench = await WebhookBench.StartAsync();
        await using var elsewhere = await HttpReceiver.StartAsync();
        await bench.AddAsync(webhook => webhook with { Auth = WebhookAuth.Bearer }, new WebhookSecrets { Auth = Secret });
        await bench.Database.ExecuteAsync("UPDATE jobplatform.job_handlers SET url = @url", new { url = $"http://127.0.0.1:{elsewhere.Port}/" });

        var run = await bench.RunAsync();

        Assert.That((run.Status, run.Attempt, elsewhere.Connections), Is.EqualTo((RunStatus.Failed, 1, 0)));
        Assert.That(RunWords.Result(run.Error), Does.Contain("its stored secret does not open").And.Contain("jobplatform webhooks set-secret crm"));
    }

    private static Task Wait(HttpContext http) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted);
}
