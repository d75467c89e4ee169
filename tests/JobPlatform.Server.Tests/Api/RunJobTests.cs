using System.Net;
using System.Text;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class RunJobTests
{
    [Test]
    public async Task A_run_is_committed_and_answered_with_its_address()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");

        var answer = await host.RunAsync("""{"job": "tidy", "triggered_by": "Jürgen", "payload": {"message": "hi"}, "run_at": "2031-05-06T09:00:00+02:00"}""");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        var body = await answer.ReadAsync();
        var id = body.GetProperty("run_id").GetString();
        var url = new Uri(host.Client.BaseAddress!, $"/api/runs/{id}").AbsoluteUri;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(body.Names(), Is.EqualTo("run_id, status, url"));
            Assert.That(body.GetProperty("status").GetString(), Is.EqualTo("queued"));
            Assert.That(body.GetProperty("url").GetString(), Is.EqualTo(url));
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo(url));
        }
        var row = await host.Database.ScalarAsync<string>(
            "SELECT concat_ws(' ', trigger, triggered_by, payload, status, run_at AT TIME ZONE 'UTC') FROM jobplatform.job_runs WHERE id = @id::uuid", new { id });
        Assert.That(row, Is.EqualTo("api Jürgen {\"message\": \"hi\"} queued 2031-05-06 07:00:00"));
    }

    [Test]
    public async Task The_address_is_based_on_PUBLIC_URL()
    {
        await using var host = await ApiHost.StartAsync(settings: "PUBLIC_URL=https://jobs.example.com/platform/");
        await host.AddJobAsync("tidy");

        var body = await (await host.RunAsync("""{"job": "tidy"}""")).ReadAsync();

        Assert.That(body.GetProperty("url").GetString(), Is.EqualTo($"https://jobs.example.com/platform/api/runs/{body.GetProperty("run_id")}"));
    }

    [TestCase("{0}")]
    [TestCase("\"{0}\"")]
    public async Task A_job_is_also_found_by_its_number(string form)
    {
        await using var host = await ApiHost.StartAsync();
        var id = await host.AddJobAsync("tidy");

        var answer = await host.RunAsync($$"""{"job_id": {{string.Format(null, form, id)}}, "triggered_by": null}""");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT triggered_by FROM jobplatform.job_runs WHERE job_id = @id", new { id }), Is.EqualTo("operator"));
    }

    [Test]
    public async Task The_same_idempotency_key_means_the_same_run_also_after_its_end()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var first = await (await host.RunAsync("""{"job": "tidy"}""", "order 4711")).ReadAsync();
        await host.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'canceled', finished_at = now()");

        var answer = await host.RunAsync("""{"job": "tidy"}""", "order 4711");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        var second = await answer.ReadAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.GetProperty("run_id").GetGuid(), Is.EqualTo(first.GetProperty("run_id").GetGuid()));
            Assert.That(second.GetProperty("status").GetString(), Is.EqualTo("canceled"));
            Assert.That(second.GetProperty("existing").GetBoolean(), Is.True);
            Assert.That(second.GetProperty("url").GetString(), Is.EqualTo(first.GetProperty("url").GetString()));
        }
    }

    [Test]
    public async Task A_dedup_key_joins_the_run_that_lives()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var first = await host.EnqueueAsync("""{"job": "tidy", "dedup_key": "customer-7"}""");

        var second = await (await host.RunAsync("""{"job": "tidy", "dedup_key": "customer-7"}""")).ReadAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.GetProperty("run_id").GetGuid(), Is.EqualTo(first));
            Assert.That(second.GetProperty("existing").GetBoolean(), Is.True);
        }
    }

    [Test]
    public async Task An_idempotency_key_that_meant_something_else_is_refused()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        await host.RunAsync("""{"job": "tidy"}""", "order-4711");

        var problem = await (await host.RunAsync("""{"job": "tidy", "payload": {"message": "other"}}""", "order-4711"))
            .ShouldBeProblemAsync(422, "idempotency-key-reused");

        Assert.That(problem.Fields(), Is.EqualTo("Idempotency-Key"));
    }

    [Test]
    public async Task An_unknown_name_is_answered_with_the_one_that_was_meant()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("purge-logs");

        var byName = await (await host.RunAsync("""{"job": "purge-lgos"}""")).ShouldBeProblemAsync(404, "job-not-found");
        var byNumber = await (await host.RunAsync("""{"job_id": 99}""")).ShouldBeProblemAsync(404, "job-not-found");

        Assert.That(byName.GetProperty("detail").GetString(), Does.Contain("purge-lgos").And.Contain("Did you mean purge-logs?"));
        Assert.That(byNumber.GetProperty("detail").GetString(), Does.Contain("99"));
    }

    [Test]
    public async Task A_disabled_job_runs_only_when_forced()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy", isEnabled: false);

        await (await host.RunAsync("""{"job": "tidy"}""")).ShouldBeProblemAsync(409, "job-disabled");
        var forced = await host.RunAsync("""{"job": "tidy", "force": true}""");

        Assert.That(forced.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    [Test]
    public async Task All_faults_of_the_request_are_named_at_once()
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.RunAsync(
            """{"job_id": "twelve", "job": 7, "triggered_by": "", "payload": [1], "dedup_key": {}, "run_at": "tomorrow", "force": "yes", "paylod": {}}""", "ключ"))
            .ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo("Idempotency-Key, job_id, job, triggered_by, payload, dedup_key, run_at, force, paylod, job_id"));
        Assert.That(problem.MessageOf("paylod"), Does.Contain("Did you mean payload?"));
        Assert.That(problem.MessageOf("run_at"), Does.Contain("\"tomorrow\"").And.Contain("2026-01-31T08:00:00Z"));
    }

    [Test]
    public async Task All_faults_of_the_payload_are_named_at_once()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");

        var problem = await (await host.RunAsync("""{"job": "tidy", "payload": {"seconds": "many", "mesage": "hi"}}"""))
            .ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo("payload.seconds, payload.mesage"));
        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs"), Is.Zero);
    }

    [TestCase(null, null)]
    [TestCase("text/plain", null)]
    [TestCase("application/json; charset=utf-16", null)]
    [TestCase("application/json", "gzip")]
    public async Task Another_media_type_is_refused(string? type, string? encoding)
    {
        await using var host = await ApiHost.StartAsync();
        var body = new ByteArrayContent("""{"job": "tidy"}"""u8.ToArray());
        if (type is not null) body.Headers.TryAddWithoutValidation("Content-Type", type);
        if (encoding is not null) body.Headers.ContentEncoding.Add(encoding);

        await (await host.RunAsync(body)).ShouldBeProblemAsync(415, "unsupported-media-type");
    }

    [TestCase("application/json")]
    [TestCase("Application/JSON; charset=\"UTF-8\"")]
    public async Task Json_in_utf8_is_taken(string type)
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var body = new ByteArrayContent("""{"job": "tidy"}"""u8.ToArray());
        body.Headers.TryAddWithoutValidation("Content-Type", type);

        Assert.That((await host.RunAsync(body)).StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    [Test]
    public async Task A_body_over_64_KiB_is_refused_whether_it_says_so_or_comes_in_chunks([Values] bool isChunked, [Values(65_537, 600_000)] int size)
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.RunAsync(Padded(size), isChunked: isChunked)).ShouldBeProblemAsync(413, "body-too-large");

        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("65536"));
    }

    [Test]
    public async Task A_body_of_64_KiB_is_taken([Values] bool isChunked)
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");

        Assert.That((await host.RunAsync(Padded(65_536), isChunked: isChunked)).StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    [TestCase("")]
    [TestCase("256 characters")]
    [TestCase("with\ttab")]
    public async Task An_idempotency_key_is_1_to_255_printable_ASCII_characters(string key)
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");

        var problem = await (await host.RunAsync("""{"job": "tidy"}""", key == "256 characters" ? new string('k', 256) : key))
            .ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo("Idempotency-Key"));
        Assert.That((await host.RunAsync("""{"job": "tidy"}""", new string('k', 255))).StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    private static ByteArrayContent Padded(int size)
    {
        var body = new ByteArrayContent(Encoding.UTF8.GetBytes("""{"job": "tidy"}""".PadRight(size)));
        body.Headers.ContentType = new("application/json");
        return body;
    }
}
