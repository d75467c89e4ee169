namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class InternalJobTests
{
    private const string CronSecret = "cR9-the-secret-of-an-outside-cron-caller";

    [TestCase("GET", "delete-stale-empty-chats")]
    [TestCase("POST", "delete-stale-empty-chats")]
    [TestCase("GET", "delete-stale-deactivated-accounts")]
    [TestCase("POST", "delete-stale-deactivated-accounts")]
    public async Task An_outside_cron_caller_starts_the_job_of_the_handler(string method, string handler)
    {
        await using var host = await ApiHost.StartAsync(settings: $"CRON_SECRET={CronSecret}");
        await host.AddJobAsync("my-clean-up", handler);

        var answer = await CallAsync(host, method, handler, CronSecret);

        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        Assert.That(answer.Headers.GetValues("X-Robots-Tag").Single(), Is.EqualTo("noindex, nofollow, noarchive"));
        var run = await host.GetAsync($"/api/runs/{(await answer.ReadAsync()).GetProperty("run_id")}");
        Assert.That($"{run.GetProperty("job")} {run.GetProperty("triggered_by")}", Is.EqualTo("my-clean-up outside-cron"));
    }

    [TestCase(CronSecret, null)]
    [TestCase(CronSecret, "wrong")]
    [TestCase(CronSecret, "")]
    [TestCase(CronSecret, ApiHost.Key)]
    [TestCase("", "")]
    [TestCase("", CronSecret)]
    public async Task Without_the_secret_nothing_is_looked_at(string set, string? given)
    {
        await using var host = await ApiHost.StartAsync(settings: $"CRON_SECRET={set}");

        var answer = await CallAsync(host, "POST", "delete-stale-empty-chats", given);

        await answer.ShouldBeProblemAsync(401, "unauthorized");
        Assert.That(answer.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Bearer"));
        Assert.That(answer.Headers.GetValues("X-Robots-Tag").Single(), Is.EqualTo("noindex, nofollow, noarchive"));
    }

    [Test]
    public async Task Where_there_is_no_such_job_or_it_is_disabled_the_caller_is_told()
    {
        await using var host = await ApiHost.StartAsync(settings: $"CRON_SECRET={CronSecret}");
        await (await CallAsync(host, "GET", "delete-stale-empty-chats", CronSecret)).ShouldBeProblemAsync(409, "no-such-job");

        await host.AddJobAsync("delete-stale-empty-chats", "delete-stale-empty-chats", isEnabled: false);

        await (await CallAsync(host, "GET", "delete-stale-empty-chats", CronSecret)).ShouldBeProblemAsync(409, "job-disabled");
    }

    [Test]
    public async Task The_secret_opens_nothing_else()
    {
        await using var host = await ApiHost.StartAsync(settings: $"CRON_SECRET={CronSecret}");
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/jobs") { Headers = { Authorization = Answers.Bearer(CronSecret) } };

        await (await host.Anonymous.SendAsync(request)).ShouldBeProblemAsync(401, "unauthorized");
    }

    private static Task<HttpResponseMessage> CallAsync(ApiHost host, string method, string handler, string? secret)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), $"/api/internal/jobs/{handler}");
        if (secret is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {secret}");
        return host.Anonymous.SendAsync(request);
    }
}
