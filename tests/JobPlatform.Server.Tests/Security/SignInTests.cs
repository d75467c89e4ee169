using System.Net;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

public sealed class SignInTests
{
    [Test]
    public async Task The_page_signs_in_by_its_form_and_leads_back_to_where_one_wanted_to_go()
    {
        await using var host = await ApiHost.StartAsync();
        await AddAsync(host, "ada@example.com");
        using var browser = new Browser(host);

        var wanted = await browser.SendAsync(HttpMethod.Get, "/admin/jobs?page=2", null, ("Accept", "text/html"));
        var page = await (await browser.GetAsync($"{wanted.Headers.Location}")).Content.ReadAsStringAsync();
        var token = page.Split("name=\"csrf_token\" value=\"")[1].Split('"')[0];
        var answer = await browser.SendAsync(HttpMethod.Post, "/admin/sign-in", Browser.Form(
            ("csrf_token", token), ("return_to", "/admin/jobs?page=2"), ("email", " ADA@example.com"), ("password", Browser.Password)), ("Accept", "text/html"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That($"{wanted.Headers.Location}", Is.EqualTo("/admin/sign-in?return_to=%2Fadmin%2Fjobs%3Fpage%3D2"));
            Assert.That(page, Does.Contain("name=\"return_to\" value=\"/admin/jobs?page=2\"").And.Not.Contain("<script>").And.Not.Contain("style="));
            Assert.That((answer.StatusCode, $"{answer.Headers.Location}"), Is.EqualTo((HttpStatusCode.Found, "/admin/jobs?page=2")));
            Assert.That(await StatusAsync(browser, "/api/handlers"), Is.EqualTo(200));
            Assert.That(await AuditAsync(host), Is.EqualTo("admin:ada@example.com sign-in.succeeded ada@example.com 127.0.0.1 {\"way\": \"password\"}"));
            Assert.That(await host.Database.ScalarAsync<bool>("SELECT last_sign_in_at IS NOT NULL FROM jobplatform.admin_users"));
        }
    }

    [TestCase("//evil.example")]
    [TestCase("/\\evil.example")]
    [TestCase("https://evil.example")]
    [TestCase("")]
    [TestCase("/\t/evil.example")]
    [TestCase("/ä")]
    public async Task A_way_back_never_leads_to_another_site(string returnTo)
    {
        await using var host = await ApiHost.StartAsync();
        await AddAsync(host, "ada@example.com");
        using var browser = new Browser(host);
        await browser.LoadTokenAsync();

        var answer = await browser.SendAsync(HttpMethod.Post, "/admin/sign-in",
            Browser.Form(("return_to", returnTo), ("email", "ada@example.com"), ("password", Browser.Password)), ("Accept", "text/html"));

        Assert.That($"{answer.Headers.Location}", Is.EqualTo("/admin"));
    }

    [Test]
    public async Task A_wrong_password_an_unknown_account_and_a_disabled_one_get_the_same_answer()
    {
        await using var host = await ApiHost.StartAsync();
        await AddAsync(host, "ada@example.com");
        await AddAsync(host, "gone@example.com");
        await host.Services.GetRequiredService<AdminAccounts>().DisableAsync("gone@example.com", Actor.CommandLine);
        using var browser = new Browser(host);

        var answers = new List<string>();
        foreach (var (email, password) in new[] { ("ada@example.com", "wrong"), ("nobody@example.com", "wrong"), ("gone@example.com", Browser.Password), ("", "") })
        {
            var answer = await browser.SignInAsync(email, password);
            await answer.ShouldBeProblemAsync(401, "sign-in-failed");
            answers.Add($"{answer.Headers} {await answer.Content.ReadAsStringAsync()}"
                .Replace($"{answer.Headers.Date:r}", "", StringComparison.Ordinal));
        }

        Assert.That(answers.Distinct().Count(), Is.EqualTo(1), string.Join('\n', answers));
        Assert.That(await host.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', actor, subject), ', ' ORDER BY id) FROM jobplatform.admin_logs WHERE action = 'sign-in.failed'"),
            Is.EqualTo("anonymous ada@example.com, anonymous nobody@example.com, anonymous gone@example.com, anonymous (no address)"));
    }

    [Test]
    public async Task Guessing_costs_the_same_time_whether_or_not_there_is_such_an_account()
    {
        await using var host = await ApiHost.StartAsync();
        await AddAsync(host, "ada@example.com");
        var accounts = host.Services.GetRequiredService<AdminAccounts>();
        var times = new Dictionary<string, List<double>> { ["ada@example.com"] = [], ["nobody@example.com"] = [] };
        await accounts.FindByPasswordAsync("nobody@example.com", "warm");
        for (var turn = 0; turn < 7; turn++)
            foreach (var (email, list) in times)
            {
                var start = TimeProvider.System.GetTimestamp();
                await accounts.FindByPasswordAsync(email, "wrong");
                list.Add(TimeProvider.System.GetElapsedTime(start).TotalMilliseconds);
            }

        // The hash takes by far the longest; leaving it out would be a tenth.
        Assert.That(times["nobody@example.com"].Min(), Is.InRange(times["ada@example.com"].Min() / 2, times["ada@example.com"].Min() * 2));
    }

    [Test]
    public async Task An_address_may_try_ten_times_a_minute_and_then_not_even_with_the_right_password_on_any_node()
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock);
        await using var second = await ApiHost.StartAsync(clock, shared: host.Database);
        await AddAsync(host, "ada@example.com");
        using var browser = new Browser(host);
        using var other = new Browser(second);
        for (var turn = 0; turn < 10; turn++) await (await browser.SignInAsync($"user{turn}@example.com", "wrong")).ShouldBeProblemAsync(401, "sign-in-failed");

        var answer = await other.SignInAsync("ada@example.com", Browser.Password);

        await answer.ShouldBeProblemAsync(429, "too-many-sign-ins");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.InRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That((await other.SignInAsync("ada@example.com", Browser.Password)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task An_account_takes_ten_failures_in_fifteen_minutes_from_one_network_and_a_reset_lets_it_in()
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock, settings: "SIGN_INS_PER_MINUTE=1000");
        await AddAsync(host, "ada@example.com");
        var throttle = host.Services.GetRequiredService<SignInThrottle>();
        var waits = await Task.WhenAll(Enumerable.Range(0, 20).Select(address => throttle.TryAsync(IPAddress.Parse($"127.0.0.{address}"), "Ada@example.com")));
        Assert.That(waits.Count(wait => wait is null), Is.EqualTo(SignInThrottle.MostPerNetwork));
        using var browser = new Browser(host);
        await (await browser.SignInAsync("ada@example.com", Browser.Password)).ShouldBeProblemAsync(429, "too-many-sign-ins");
        Assert.That(await throttle.TryAsync(IPAddress.Parse("127.0.1.1"), "ada@example.com"), Is.Null, "another network");

        await host.Services.GetRequiredService<AdminAccounts>().ResetAsync("ada@example.com", "another-password-for-tests", Actor.CommandLine);

        Assert.That((await browser.SignInAsync("ada@example.com", "another-password-for-tests")).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task Guesses_from_everywhere_are_slowed_down_and_lock_no_account_out_of_a_network_that_it_signed_in_from()
    {
        await using var host = await ApiHost.StartAsync();
        using var before = await Browser.SignInAsync(host);
        var throttle = host.Services.GetRequiredService<SignInThrottle>();
        var guess = async (string email) => (await Task.WhenAll(Enumerable.Range(0, 40).Select(net => throttle.TryAsync(IPAddress.Parse($"10.0.{net}.1"), email)))).Count(wait => wait is null);

        Assert.That(await guess("ada@example.com"), Is.EqualTo(SignInThrottle.MostFromUnknown - 1), "beside the first sign-in");
        Assert.That(await guess("nobody@example.com"), Is.EqualTo(SignInThrottle.MostFromUnknown), "whether there is such an account shows in nothing");
        using var browser = new Browser(host);
        Assert.That((await browser.SignInAsync("ada@example.com", Browser.Password)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await throttle.TryAsync(IPAddress.Parse("10.9.9.9"), "ada@example.com"), Is.Not.Null, "a success elsewhere gives the guesser nothing");
    }

    [Test]
    public async Task Who_is_signed_in_confirms_whatever_others_try_and_only_ten_times_wrongly()
    {
        await using var host = await ApiHost.StartAsync(settings: ["SIGN_INS_PER_MINUTE=1000", "CALLS_PER_MINUTE=1000"]);
        using var browser = await Browser.SignInAsync(host);
        var throttle = host.Services.GetRequiredService<SignInThrottle>();
        while (await throttle.TryAsync(IPAddress.Loopback, "ada@example.com") is null) { }
        var confirm = async (string password) => await browser.PostAsync("/admin/confirm", Browser.Form(("password", password)));

        Assert.That((await confirm(Browser.Password)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        for (var turn = 0; turn < SignInThrottle.MostPerNetwork; turn++) await (await confirm("wrong")).ShouldBeProblemAsync(401, "sign-in-failed");

        await (await confirm(Browser.Password)).ShouldBeProblemAsync(429, "too-many-sign-ins");
    }

    [Test]
    public async Task Counts_that_are_over_leave_the_table()
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock);
        var throttle = host.Services.GetRequiredService<SignInThrottle>();
        for (var turn = 0; turn < 9; turn++) await throttle.TryAsync(IPAddress.Parse("10.0.0.1"), $"user{turn}@example.com");
        clock.Advance(TimeSpan.FromMinutes(16));

        await throttle.TryAsync(IPAddress.Parse("10.0.0.2"), "ada@example.com");

        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.sign_in_attempts"), Is.EqualTo(3));
    }

    [TestCase("text/plain", "x", 415)]
    [TestCase("application/x-www-form-urlencoded", "email=%00&password=%ff", 415)]
    [TestCase("application/x-www-form-urlencoded", "email=%ff&password=%ff", 401)]
    [TestCase("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=email\r\n\r\na\0b\r\n--x--\r\n", 401)]
    [TestCase("multipart/form-data", "x", 415)]
    [TestCase("multipart/form-data; boundary=x", "--x\r\nnonsense", 415)]
    public async Task A_form_of_another_shape_is_refused(string type, string body, int status)
    {
        await using var host = await ApiHost.StartAsync();
        using var browser = new Browser(host);
        await browser.LoadTokenAsync();
        var content = new StringContent(body);
        content.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(type);

        var answer = await browser.PostAsync("/admin/sign-in", content);

        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task A_form_that_is_too_large_is_not_read()
    {
        await using var host = await ApiHost.StartAsync();
        using var browser = new Browser(host);
        await browser.LoadTokenAsync();

        var answer = await browser.PostAsync("/admin/sign-in", Browser.Form(("email", "a@b"), ("password", new string('x', 300_000))));

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
    }

    [Test]
    public async Task Another_site_cannot_sign_a_browser_in()
    {
        await using var host = await ApiHost.StartAsync();
        await AddAsync(host, "ada@example.com");
        using var browser = new Browser(host);
        var form = () => Browser.Form(("email", "ada@example.com"), ("password", Browser.Password));
        await browser.LoadTokenAsync();

        var foreign = await browser.SendAsync(HttpMethod.Post, "/admin/sign-in", form(), ("Sec-Fetch-Site", "cross-site"));
        browser.Token = null;
        var tokenless = await browser.PostAsync("/admin/sign-in", form());

        await foreign.ShouldBeProblemAsync(403, "foreign-origin");
        await tokenless.ShouldBeProblemAsync(403, "csrf-token-invalid");
        Assert.That(browser.Cookies.Select(cookie => cookie.Name), Has.None.EqualTo("jobplatform_session"));
    }

    [Test]
    public async Task The_password_reaches_neither_log_nor_audit()
    {
        await using var host = await ApiHost.StartAsync();
        await AddAsync(host, "ada@example.com");
        using var browser = new Browser(host);

        await browser.SignInAsync("ada@example.com", "told-in-confidence");
        await browser.SignInAsync("told-in-confidence", "x");
        await browser.SignInAsync("ada@example.com", Browser.Password);

        Assert.That(host.Logs.Lines.Select(line => line.Text), Has.None.Contain("told-in-confidence").And.None.Contain(Browser.Password));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(a::text, ' ') FROM jobplatform.admin_logs a"),
            Does.Contain("sign-in.failed").And.Not.Contain("told-in-confidence").And.Not.Contain(Browser.Password));
    }

    private static Task<bool> AddAsync(ApiHost host, string email) =>
        host.Services.GetRequiredService<AdminAccounts>().AddAsync(email, AdminRole.Admin, Browser.Password, Actor.CommandLine);

    private static async Task<int> StatusAsync(Browser browser, string address) => (int)(await browser.GetAsync(address)).StatusCode;

    private static Task<string?> AuditAsync(ApiHost host) => host.Database.ScalarAsync<string>(
        "SELECT concat_ws(' ', actor, action, subject, host(address), details) FROM jobplatform.admin_logs ORDER BY id DESC LIMIT 1");
}
