using System.Formats.Asn1;
using System.Net;
using System.Net.Sockets;
using System.Text;
using JobPlatform.Core.Directories;

namespace JobPlatform.Handlers.Tests.Directories;

/// <summary>A server that gives what it likes, whatever page it is asked for.</summary>
public sealed class LdapPageTests
{
    private const string Time = "20240203040506.0Z";

    [TestCase(2, 10, null, "It answers, and has users.")]
    [TestCase(3, 10, DirectoryFault.NotUnderstood, "It gives more than the 2 entries of a page, as if it had not been asked for pages.")]
    [TestCase(2, 20_000_000, DirectoryFault.NotUnderstood, "bytes where")]
    public async Task A_page_is_of_as_many_entries_as_asked_for_and_of_32_MiB(int entries, int bytes, DirectoryFault? fault, string message)
    {
        using var listener = Listen(out var url);
        await using var bench = await DirectoryBench.CreateAsync(Of(url, pageSize: 2), null);
        var served = ServeAsync(listener, entries, bytes);

        var test = (await bench.TestAsync())!;

        Assert.That(test.Fault, Is.EqualTo(fault), test.Message);
        Assert.That(test.Message, Does.Contain(message));
        Assert.That(ReadPageSize((await served)[0]), Is.EqualTo(2));
    }

    [Test]
    public async Task Groups_are_asked_for_by_twenty_as_each_comes_with_all_its_members()
    {
        using var listener = Listen(out var url);
        await using var bench = await DirectoryBench.CreateAsync(Of(url, pageSize: 1000), null);
        var served = ServeAsync(listener, entries: 0, bytes: 0);

        await using (var reader = await bench.OpenAsync())
            await foreach (var page in reader.ReadGroupsAsync(null, default)) Assert.That(page.Rows, Is.Empty);

        Assert.That(ReadPageSize((await served)[0]), Is.EqualTo(20));
    }

    [Test]
    public async Task Active_Directory_which_tells_both_times_is_searched_by_whenChanged()
    {
        using var listener = Listen(out var url);
        await using var bench = await DirectoryBench.CreateAsync(Of(url, pageSize: 2), null);
        var served = ServeAsync(listener, entries: 1, bytes: 1, requests: 2);
        var times = new List<DateTimeOffset?>();

        await using (var reader = await bench.OpenAsync())
        {
            await foreach (var page in reader.ListUsers(default)!) times.AddRange(page.Rows.Select(mark => mark.ChangedAt));
            await foreach (var page in reader.ReadUsersAsync(null, times[0], default)) times.AddRange(page.Rows.Select(user => user.ChangedAt));
        }

        Assert.That(times, Is.EqualTo(Enumerable.Repeat(new DateTimeOffset(2024, 2, 3, 4, 5, 6, TimeSpan.Zero), 2)));
        Assert.That(Encoding.ASCII.GetString((await served)[1]), Does.Contain("whenChanged\u0004\u001120240203040506.0Z"), "an item of its filter");
    }

    private static DirectoryDefinition Of(string url, int pageSize) =>
        new() { Company = "acme", Name = "stub", Kind = DirectoryKind.Ldap, Url = url, PageSize = pageSize, Ldap = new() { BaseDn = "dc=example", StartTls = false } };

    private static TcpListener Listen(out string url)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        url = $"ldap://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        return listener;
    }

    // Answers searches, and gives what was asked.
    private static async Task<List<byte[]>> ServeAsync(TcpListener listener, int entries, int bytes, int requests = 1)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        var asked = new List<byte[]>();
        try
        {
            for (var id = 1; id <= requests; id++)
            {
                var request = new byte[4096];
                asked.Add(request[..await stream.ReadAtLeastAsync(request, 2)]);
                for (var n = 0; n < entries; n++) await stream.WriteAsync(Entry(id, n, bytes));
                await stream.WriteAsync(Done(id));
            }
        }
        catch (IOException)
        {
            // Who has had enough hangs up.
        }
        return asked;
    }

    private static int ReadPageSize(byte[] request)
    {
        var message = new AsnReader(request, AsnEncodingRules.BER).ReadSequence();
        message.ReadInteger();
        message.ReadEncodedValue();
        var control = message.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0)).ReadSequence();
        control.ReadOctetString();
        control.ReadBoolean();
        return (int)new AsnReader(control.ReadOctetString(), AsnEncodingRules.BER).ReadSequence().ReadInteger();
    }

    private static byte[] Entry(int id, int number, int bytes) => Message(id, 4, writer =>
    {
        Write(writer, $"uid=u{number},dc=example");
        using var attributes = writer.PushSequence();
        foreach (var (name, value) in new[] { ("entryUUID", $"{number}"), ("cn", new string('x', bytes)), ("whenChanged", Time), ("modifyTimestamp", Time) })
            using (writer.PushSequence())
            {
                Write(writer, name);
                using (writer.PushSetOf()) Write(writer, value);
            }
    });

    private static byte[] Done(int id) => Message(id, 5, writer =>
    {
        writer.WriteEncodedValue([0x0A, 1, 0]);
        Write(writer, "");
        Write(writer, "");
    });

    private static byte[] Message(int id, int operation, Action<AsnWriter> write)
    {
        var writer = new AsnWriter(AsnEncodingRules.BER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(id);
            using (writer.PushSequence(new Asn1Tag(TagClass.Application, operation))) write(writer);
        }
        return writer.Encode();
    }

    private static void Write(AsnWriter writer, string text) => writer.WriteOctetString(Encoding.UTF8.GetBytes(text));
}
