using System.Globalization;
using System.Net.Sockets;
using JobPlatform.Core.Outgoing;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Core.Tests.Outgoing;

public sealed class OutgoingHttpTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Test]
    public async Task An_answer_is_read_up_to_the_calls_limit_also_one_that_never_ends()
    {
        await using var server = await HttpReceiver.StartAsync(async http =>
        {
            var part = new byte[4096];
            while (!http.RequestAborted.IsCancellationRequested) await http.Response.Body.WriteAsync(part, http.RequestAborted);
        });
        await using var outgoing = new OutgoingServices("127.0.0.1");

        var answer = await outgoing.GetAsync($"http://127.0.0.1:{server.Port}/", call => call with { MostBytes = 10_000 });

        Assert.That((answer.Body.Length, answer.IsTruncated), Is.EqualTo((10_000, true)));
    }

    [Test]
    public async Task An_answer_of_exactly_the_limit_is_whole()
    {
        await using var server = await HttpReceiver.StartAsync(http => http.Response.WriteAsync("12345"));
        await using var outgoing = new OutgoingServices("127.0.0.1");

        var answer = await outgoing.GetAsync($"http://127.0.0.1:{server.Port}/", call => call with { MostBytes = 5 });

        Assert.That((answer.Body.Length, answer.IsTruncated), Is.EqualTo((5, false)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_server_that_is_too_slow_is_given_up_before_its_headers_and_within_its_body(bool sendsHeaders)
    {
        await using var server = await HttpReceiver.StartAsync(async http =>
        {
            if (sendsHeaders) await http.Response.WriteAsync("a", http.RequestAborted);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted);
        });
        await using var outgoing = new OutgoingServices("127.0.0.1");

        var fault = await Assert.ThrowsAsync<OutgoingException>(() => outgoing.GetAsync($"http://127.0.0.1:{server.Port}/secret-path", call => call with { TimeLimit = Short }));

        Assert.That((fault!.Fault, fault.IsTemporary), Is.EqualTo((OutgoingFault.TimedOut, true)));
        Assert.That(fault.Message, Is.EqualTo($"127.0.0.1:{server.Port} gave no complete answer within 0.3 s."));
    }

    [Test]
    public async Task A_canceled_call_ends_as_canceled()
    {
        using var cancel = new CancellationTokenSource();
        await using var server = await HttpReceiver.StartAsync(async http =>
        {
            await cancel.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted);
        });
        await using var outgoing = new OutgoingServices("127.0.0.1");

        await Assert.CatchAsync<OperationCanceledException>(() => outgoing.GetAsync($"http://127.0.0.1:{server.Port}/", cancellation: cancel.Token));
    }

    [Test]
    public async Task A_port_where_nobody_listens_is_told_without_the_addresss_path()
    {
        await using var outgoing = new OutgoingServices("127.0.0.1");
        var port = FindFreePort();

        var fault = await Assert.ThrowsAsync<OutgoingException>(() => outgoing.GetAsync($"http://127.0.0.1:{port}/secret-path?key=secret"));

        Assert.That(fault!.Fault, Is.EqualTo(OutgoingFault.Unreachable));
        Assert.That(fault.Message, Does.StartWith($"127.0.0.1:{port} could not be reached: Connection refused").And.Not.Contain("secret"));
    }

    [TestCase(408)]
    [TestCase(425)]
    [TestCase(429)]
    [TestCase(500)]
    [TestCase(503)]
    public async Task A_call_with_retries_tries_again_after_the_time_that_the_server_asks_for(int status)
    {
        var answers = 0;
        await using var server = await HttpReceiver.StartAsync(http =>
        {
            if (Interlocked.Increment(ref answers) == 3) return Task.CompletedTask;
            http.Response.StatusCode = status;
            http.Response.Headers.RetryAfter = "0";
            return Task.CompletedTask;
        });
        await using var outgoing = new OutgoingServices("127.0.0.1");

        var enough = await outgoing.GetAsync($"http://127.0.0.1:{server.Port}/", call => call with { Retries = 2 });

        Assert.That((enough.Status, server.Requests.Count), Is.EqualTo((200, 3)));
    }

    [TestCase(503, 1, "0", 2)]
    [TestCase(400, 5, "0", 1)]
    [TestCase(404, 5, "0", 1)]
    [TestCase(503, 0, "0", 1)]
    [TestCase(503, 5, "31", 1)]
    public async Task A_call_is_tried_no_more_often_than_it_says_nor_after_too_long_a_wait_nor_after_a_refusal(int status, int retries, string retryAfter, int requests)
    {
        await using var server = await HttpReceiver.StartAsync(http =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.RetryAfter = retryAfter;
            return Task.CompletedTask;
        });
        await using var outgoing = new OutgoingServices("127.0.0.1");

        var answer = await outgoing.GetAsync($"http://127.0.0.1:{server.Port}/", call => call with { Retries = retries });

        Assert.That((answer.Status, server.Requests.Count), Is.EqualTo((status, requests)));
        Assert.That(answer.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(int.Parse(retryAfter, CultureInfo.InvariantCulture))));
    }

    [Test]
    public async Task Retry_After_as_a_date_is_counted_from_the_platforms_clock()
    {
        var clock = new FakeClock();
        await using var server = await HttpReceiver.StartAsync(http =>
        {
            http.Response.StatusCode = 503;
            http.Response.Headers.RetryAfter = clock.GetUtcNow().AddSeconds(90).ToString("R", CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        });
        await using var outgoing = new OutgoingServices("127.0.0.1", clock);

        Assert.That((await outgoing.GetAsync($"http://127.0.0.1:{server.Port}/")).RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(90)));
    }

    [Test]
    public async Task A_host_that_fails_is_left_alone_for_a_while_and_others_are_not()
    {
        var clock = new FakeClock();
        var isWell = false;
        await using var failing = await HttpReceiver.StartAsync(http =>
        {
            http.Response.StatusCode = isWell ? 200 : 500;
            return Task.CompletedTask;
        });
        await using var other = await HttpReceiver.StartAsync();
        await using var outgoing = new OutgoingServices("127.0.0.1", clock);
        var address = $"http://127.0.0.1:{failing.Port}/";
        for (var i = 0; i < 10; i++) await outgoing.GetAsync(address);

        var fault = await Assert.ThrowsAsync<OutgoingException>(() => outgoing.GetAsync(address));
        var elsewhere = await outgoing.GetAsync($"http://127.0.0.1:{other.Port}/");
        isWell = true;
        clock.Advance(TimeSpan.FromSeconds(16));
        var later = await outgoing.GetAsync(address);

        Assert.That((fault!.Fault, fault.RetryAfter), Is.EqualTo((OutgoingFault.Resting, (TimeSpan?)TimeSpan.FromSeconds(15))));
        Assert.That((elsewhere.Status, later.Status, failing.Requests.Count), Is.EqualTo((200, 200, 11)));
    }

    [Test]
    public async Task Refused_addresses_do_not_count_against_their_host()
    {
        await using var server = await HttpReceiver.StartAsync();
        var leadsInside = true;
        await using var outgoing = new OutgoingServices("127.0.0.1", resolve: _ => [System.Net.IPAddress.Parse(leadsInside ? "10.0.0.1" : "127.0.0.1")]);
        var address = $"http://hooks.example.com:{server.Port}/";
        for (var i = 0; i < 20; i++)
            Assert.That((await Assert.ThrowsAsync<OutgoingException>(() => outgoing.GetAsync(address)))!.Fault, Is.EqualTo(OutgoingFault.Refused));
        leadsInside = false;

        Assert.That((await outgoing.GetAsync(address)).Status, Is.EqualTo(200));
    }

    [Test]
    public void Of_many_hosts_the_ones_called_lately_are_remembered()
    {
        var clock = new FakeClock();
        var pipelines = new HostPipelines(clock);
        var first = pipelines.Of(new Uri("https://first.example.com/a"));
        var second = pipelines.Of(new Uri("https://second.example.com/"));
        for (var i = 0; i < HostPipelines.MostHosts * 2; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            pipelines.Of(new Uri($"https://host-{i}.example.com/"));
            Assert.That(pipelines.Of(new Uri("https://first.example.com/b")), Is.SameAs(first));
        }

        Assert.That(pipelines.Of(new Uri("https://second.example.com/")), Is.Not.SameAs(second));
    }

    [Test]
    public async Task An_address_of_the_settings_may_be_of_the_inside_and_redirects_are_not_followed_there_either()
    {
        await using var server = await HttpReceiver.StartAsync(http =>
        {
            http.Response.Redirect("/again");
            return Task.CompletedTask;
        });
        await using var outgoing = new OutgoingServices();

        var answer = await outgoing.GetAsync($"http://127.0.0.1:{server.Port}/", call => call with { Source = AddressSource.Settings });

        Assert.That((answer.Status, server.Requests.Count), Is.EqualTo((302, 1)));
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
