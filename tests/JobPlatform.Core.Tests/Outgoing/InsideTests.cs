using System.Net;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Tests.Outgoing;

/// <summary>Addresses that try to reach the inside: none is accepted on save, and none connects if it got into a row.</summary>
public sealed class InsideTests
{
    /// <summary>{port} is that of a server on every address of this machine.</summary>
    private static readonly string[] Addresses =
    [
        // The machine itself, in the spellings of IPv4.
        "http://127.0.0.1:{port}/", "http://127.0.0.2:{port}/", "http://127.255.255.254:{port}/", "http://127.1:{port}/", "http://127.0.1:{port}/",
        "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7f.0.0.1:{port}/", "http://0x7f.1:{port}/", "http://0X7F.0X0.0X0.0X1:{port}/",
        "http://017700000001:{port}/", "http://0177.0.0.1:{port}/", "http://0177.0.0.01:{port}/", "http://127.0.0.001:{port}/", "http://127.00.0.1:{port}/",
        "http://127.0.0.1.:{port}/", "http://2130706433.:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/", "http://0x0:{port}/", "http://00000000:{port}/",
        "http://4294967295:{port}/", "http://127.0.0.1%20:{port}/", "http://127%2e0%2e0%2e1:{port}/", "http://%31%32%37.0.0.1:{port}/",
        "http://１２７.０.０.１:{port}/", "http://①②⑦.⓪.⓪.①:{port}/", "http://127。0。0。1:{port}/", "http://127.0.0.1\u00ad:{port}/",
        // By name.
        "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://localhost.:{port}/", "http://localhost..:{port}/", "http://a.localhost:{port}/",
        "http://localhost.localdomain:{port}/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/", "http://ip6-localhost:{port}/", "http://printer.local:{port}/",
        "http://metadata:{port}/", "http://metadata.google.internal:{port}/", "http://db.corp:{port}/", "http://router.lan:{port}/", "http://nas.home.arpa:{port}/",
        // IPv6, and IPv4 in it.
        "http://[::1]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/", "http://[::]:{port}/", "http://[::1%25lo]:{port}/", "http://[fe80::1%25eth0]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", "http://[::ffff:10.0.0.1]:{port}/",
        "http://[::127.0.0.1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://[2002:0a00:0001::1]:{port}/", "http://[64:ff9b::127.0.0.1]:{port}/",
        "http://[64:ff9b::a9fe:a9fe]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/", "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",
        "http://[fe80::1]:{port}/", "http://[fec0::1]:{port}/", "http://[fc00::1]:{port}/", "http://[fd00:ec2::254]:{port}/", "http://[ff02::1]:{port}/",
        "http://[2001:db8::1]:{port}/", "http://[3fff::1]:{port}/", "http://[2606:4700::5efe:127.0.0.1]:{port}/", "http://[::ffff:0:127.0.0.1]:{port}/",
        // Private, shared, link-local and reserved.
        "http://10.0.0.1:{port}/", "http://172.16.0.1:{port}/", "http://172.31.255.255:{port}/", "http://192.168.0.1:{port}/", "http://100.64.0.1:{port}/",
        "http://169.254.169.254:{port}/latest/meta-data/", "http://2852039166:{port}/", "http://0xa9fea9fe:{port}/", "http://0251.0376.0251.0376:{port}/",
        "http://100.100.100.200:{port}/", "http://168.63.129.16:{port}/", "http://192.0.0.192:{port}/", "http://198.18.0.1:{port}/", "http://192.0.2.1:{port}/",
        "http://224.0.0.1:{port}/", "http://255.255.255.255:{port}/", "http://240.0.0.1:{port}/",
        // What two readers read differently.
        "http://8.8.8.8@127.0.0.1:{port}/", "http://user:password@8.8.8.8:{port}/", "http://@127.0.0.1:{port}/", "http://8.8.8.8:443@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@8.8.8.8/", "http://8.8.8.8\\@127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "http:127.0.0.1:{port}/",
        "http:///127.0.0.1:{port}/", " http://127.0.0.1:{port}/", "http://127.0.0.1:{port}/ ", "http://127.0.0.1\t:{port}/", "http://127.0.0.1:{port}/\r\nHost: x",
        "//127.0.0.1:{port}/", "127.0.0.1:{port}", "http://[::1]:{port}@8.8.8.8/", "http://127.0.0.1:{port}#@8.8.8.8/", "http://127.0.0.1:{port}?@8.8.8.8/",
        // Other protocols, and other services' ports.
        "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "ws://127.0.0.1:{port}/", "ldap://127.0.0.1:{port}/",
        "http://8.8.8.8:25/", "http://8.8.8.8:0/", "http://8.8.8.8:22/", "http://8.8.8.8:65536/", "http://8.8.8.8:-1/",
    ];

    /// <summary>What names of the outside lead to.</summary>
    private static readonly string[] Resolved =
    [
        "127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.1.1", "169.254.169.254", "fd00:ec2::254",
        "fe80::1%2", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "::127.0.0.1", "224.0.0.251", "ff02::fb", "255.255.255.255", "198.18.0.1", "168.63.129.16",
    ];

    [Test]
    public async Task No_address_of_the_inside_is_accepted_or_connected_to()
    {
        await using var server = await HttpReceiver.StartAsync(address: IPAddress.IPv6Any);
        await using var outgoing = new OutgoingServices();
        var accepted = new List<string>();
        foreach (var address in Addresses.Select(address => address.Replace("{port}", $"{server.Port}", StringComparison.Ordinal)))
        {
            if (outgoing.Guard.FindFault(address) is null) accepted.Add($"saved: {address}");
            if (!Uri.TryCreate(address, UriKind.Absolute, out _)) continue;
            if (await FindFaultAsync(() => outgoing.GetAsync(address)) != OutgoingFault.Refused) accepted.Add($"called: {address}");
        }

        Assert.That(Addresses, Has.Length.GreaterThan(100));
        Assert.That(accepted, Is.Empty);
        Assert.That(server.Connections, Is.Zero);
    }

    [Test]
    public async Task The_check_at_the_connection_refuses_what_the_texts_check_would_let_pass()
    {
        // Past the check on the text: as a library would hand the hosts of these addresses to the connection.
        await using var server = await HttpReceiver.StartAsync(address: IPAddress.IPv6Any);
        await using var outgoing = new OutgoingServices();
        var connected = new List<string>();
        foreach (var address in Addresses.Select(address => address.Replace("{port}", $"{server.Port}", StringComparison.Ordinal)))
        {
            if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != "http" || uri.IdnHost.Contains("8.8.8.8") || !IPAddress.TryParse(uri.IdnHost, out _)) continue;
            try
            {
                await using var connection = await outgoing.Guard.ConnectAsync(uri.IdnHost, server.Port);
                connected.Add(address);
            }
            catch (AddressRefusedException)
            {
                continue;
            }
        }

        Assert.That(connected, Is.Empty);
        Assert.That(server.Connections, Is.Zero);
    }

    [Test]
    public async Task No_name_that_leads_inside_is_connected_to_not_even_when_another_of_its_addresses_is_public([ValueSource(nameof(Resolved))] string address)
    {
        await using var server = await HttpReceiver.StartAsync(address: IPAddress.IPv6Any);
        await using var alone = new OutgoingServices(resolve: _ => [IPAddress.Parse(address)]);
        await using var mixed = new OutgoingServices(resolve: _ => [IPAddress.Parse("8.8.8.8"), IPAddress.Parse(address)]);
        var url = $"http://hooks.example.com:{server.Port}/";

        Assert.That(alone.Guard.FindFault(url), Is.Null, "names are not resolved on save");
        Assert.That(await FindFaultAsync(() => alone.GetAsync(url)), Is.EqualTo(OutgoingFault.Refused));
        Assert.That(await FindFaultAsync(() => mixed.GetAsync(url)), Is.EqualTo(OutgoingFault.Refused));
        Assert.That(server.Connections, Is.Zero);
    }

    [Test]
    public async Task A_name_that_is_rebound_between_check_and_connection_is_connected_to_where_it_was_checked()
    {
        await using var inside = await HttpReceiver.StartAsync(address: IPAddress.Loopback);
        await using var allowed = await HttpReceiver.StartAsync(address: IPAddress.Parse("127.0.0.2"));
        var questions = 0;
        await using var outgoing = new OutgoingServices($"127.0.0.2:{allowed.Port}",
            resolve: _ => [questions++ == 0 ? IPAddress.Parse("127.0.0.2") : IPAddress.Loopback]);

        var answer = await outgoing.GetAsync($"http://hooks.example.com:{allowed.Port}/");
        var questionsOfOneCall = questions;
        // The second connection: the name leads elsewhere now, at any port.
        var rebound = await FindFaultAsync(() => outgoing.GetAsync($"http://hooks.example.com:{inside.Port}/"));

        Assert.That((answer.Status, questionsOfOneCall, rebound), Is.EqualTo((200, 1, OutgoingFault.Refused)));
        Assert.That((allowed.Connections, inside.Connections), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task A_redirect_is_an_answer_and_is_not_followed([Values(301, 302, 303, 307, 308)] int status)
    {
        await using var inside = await HttpReceiver.StartAsync();
        await using var outside = await HttpReceiver.StartAsync(http =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.Location = $"http://127.0.0.1:{inside.Port}/";
            return Task.CompletedTask;
        });
        await using var outgoing = new OutgoingServices("127.0.0.1");

        var answer = await outgoing.GetAsync($"http://127.0.0.1:{outside.Port}/");

        Assert.That((answer.Status, inside.Connections), Is.EqualTo((status, 0)));
    }

    [Test]
    public async Task A_proxy_of_the_environment_is_not_asked()
    {
        await using var proxy = await HttpReceiver.StartAsync();
        await using var outgoing = new OutgoingServices();
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy($"http://127.0.0.1:{proxy.Port}");
        try
        {
            Assert.That(await FindFaultAsync(() => outgoing.GetAsync("http://hooks.example.invalid/")), Is.EqualTo(OutgoingFault.Unreachable));
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
        Assert.That(proxy.Connections, Is.Zero);
    }

    [TestCase("127.0.0.1")]
    [TestCase("127.0.0.0/8")]
    [TestCase("127.0.0.1:{port}")]
    [TestCase("10.0.0.0/8, localhost:{port}", "localhost")]
    [TestCase("LocalHost", "localhost")]
    [TestCase("::ffff:0:0/96, 127.0.0.1", "[::ffff:127.0.0.1]")]
    public async Task The_operator_can_allow_a_host_of_the_inside(string allowed, string host = "127.0.0.1")
    {
        await using var server = await HttpReceiver.StartAsync();
        await using var outgoing = new OutgoingServices(allowed.Replace("{port}", $"{server.Port}", StringComparison.Ordinal));
        var url = $"http://{host}:{server.Port}/";

        Assert.That(outgoing.Guard.FindFault(url), Is.Null);
        Assert.That((await outgoing.GetAsync(url)).Status, Is.EqualTo(200));
        Assert.That(server.Connections, Is.EqualTo(1));
    }

    [TestCase("127.0.0.1:1")]
    [TestCase("127.0.0.2, 10.0.0.0/8")]
    [TestCase("localhost:1")]
    [TestCase("example.com")]
    public async Task What_the_operator_allows_opens_nothing_else(string allowed)
    {
        await using var server = await HttpReceiver.StartAsync();
        await using var outgoing = new OutgoingServices(allowed);

        Assert.That(await FindFaultAsync(() => outgoing.GetAsync($"http://127.0.0.1:{server.Port}/")), Is.EqualTo(OutgoingFault.Refused));
        Assert.That(await FindFaultAsync(() => outgoing.GetAsync($"http://localhost:{server.Port}/")), Is.EqualTo(OutgoingFault.Refused));
        Assert.That(server.Connections, Is.Zero);
    }

    private static async Task<OutgoingFault?> FindFaultAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (OutgoingException e)
        {
            return e.Fault;
        }
    }
}
