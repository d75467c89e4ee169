using System.Formats.Asn1;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Ldap;

/// <summary>An entry of a directory. Immutable.</summary>
/// <param name="Dn">Its name.</param>
/// <param name="Attributes">The values of its attributes, whose names have no case.</param>
internal sealed record LdapEntry(string Dn, IReadOnlyDictionary<string, IReadOnlyList<byte[]>> Attributes)
{
    /// <summary>The first value as text; null when there is none.</summary>
    public string? FindText(string attribute) => Attributes.TryGetValue(attribute, out var values) && values.Count > 0 ? Encoding.UTF8.GetString(values[0]) : null;
}

/// <summary>An answer that is a refusal.</summary>
internal sealed class LdapException(LdapResult result, string said) : Exception(string.Create(CultureInfo.InvariantCulture, $"{result} ({(int)result}){(said.Length > 0 ? ": " : "")}{said}"))
{
    public LdapResult Result => result;
}

/// <summary>
/// The part of LDAP (RFC 4511) that a sync needs: bind, StartTLS, paged search (RFC 2696), over a connection whose
/// address was checked. Written by hand, as the framework's client resolves names by itself, takes no certificates of
/// its own per connection, and cannot tell what is wrong with one. One request at a time; not thread-safe.
/// </summary>
internal sealed class LdapConnection : IAsyncDisposable
{
    private const string StartTlsName = "1.3.6.1.4.1.1466.20037";
    private const string PagingName = "1.2.840.113556.1.4.319";
    // Of one answer, such as a page. A group of 100,000 members has some 8 MB.
    private const int MostBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    // Enumerated values, which the framework writes of an enum only.
    private static readonly byte[] WholeSubtree = [0x0A, 1, 2];
    private static readonly byte[] NeverFollowAliases = [0x0A, 1, 0];

    private Stream _stream;
    private PipeReader _input;
    private int _lastId;
    private int _bytesLeft;

    private LdapConnection(Stream stream) => (_stream, _input) = (stream, CreateInput(stream));

    /// <summary>Connects.</summary>
    public static async Task<LdapConnection> ConnectAsync(AddressGuard guard, string host, int port, CancellationToken cancellation) =>
        new(await guard.ConnectAsync(host, port, cancellation));

    /// <summary>Asks the server to go on encrypted; then <see cref="SecureAsync"/>.</summary>
    public Task StartTlsAsync(CancellationToken cancellation) => AskAsync(async limit =>
    {
        await SendAsync(writer =>
        {
            using var request = writer.PushSequence(Operation(23));
            writer.WriteOctetString(Encoding.ASCII.GetBytes(StartTlsName), new Asn1Tag(TagClass.ContextSpecific, 0));
        }, null, limit);
        Expect(await ReceiveAsync(limit), 24);
        // What came in the clear behind the answer could be anybody's.
        if (_input.TryRead(out var more) && !more.Buffer.IsEmpty) throw new IOException("The server sent more than its answer before the encryption began.");
        return 0;
    }, cancellation);

    /// <summary>Encrypts all that follows.</summary>
    public Task SecureAsync(LdapTls tls, CancellationToken cancellation) => AskAsync(async limit =>
    {
        await _input.CompleteAsync();
        _stream = await tls.SecureAsync(_stream, limit);
        _input = CreateInput(_stream);
        return 0;
    }, cancellation);

    /// <summary>Shows who reads.</summary>
    public Task BindAsync(string name, string password, CancellationToken cancellation) => AskAsync(async limit =>
    {
        await SendAsync(writer =>
        {
            using var request = writer.PushSequence(Operation(0));
            writer.WriteInteger(3);
            writer.WriteOctetString(Encoding.UTF8.GetBytes(name));
            writer.WriteOctetString(Encoding.UTF8.GetBytes(password), new Asn1Tag(TagClass.ContextSpecific, 0));
        }, null, limit);
        Expect(await ReceiveAsync(limit), 1);
        return 0;
    }, cancellation);

    /// <summary>A page of the entries below a base that a filter finds, and where the next begins; that is empty at the end.</summary>
    /// <exception cref="InvalidDataException">The page is larger than asked for, or has more than 32 MiB.</exception>
    public Task<(List<LdapEntry> Entries, byte[] Next)> SearchAsync(
        string baseDn, string filter, IReadOnlyList<string> attributes, int pageSize, byte[] position, CancellationToken cancellation) => AskAsync(async limit =>
    {
        await SendAsync(writer =>
        {
            using var request = writer.PushSequence(Operation(3));
            writer.WriteOctetString(Encoding.UTF8.GetBytes(baseDn));
            writer.WriteEncodedValue(WholeSubtree);
            writer.WriteEncodedValue(NeverFollowAliases);
            writer.WriteInteger(0);
            writer.WriteInteger(0);
            writer.WriteBoolean(false);
            LdapFilter.Write(writer, filter);
            using var list = writer.PushSequence();
            foreach (var attribute in attributes) writer.WriteOctetString(Encoding.ASCII.GetBytes(attribute));
        }, writer => WritePaging(writer, pageSize, position), limit);
        var entries = new List<LdapEntry>(pageSize);
        while (true)
        {
            var (operation, controls) = await ReceiveAsync(limit);
            var tag = operation.PeekTag().TagValue;
            if (tag == 4)
            {
                if (entries.Count == pageSize) throw new InvalidDataException($"It gives more than the {pageSize} entries of a page, as if it had not been asked for pages.");
                entries.Add(ReadEntry(operation));
            }
            // References lead to other servers, which are not asked.
            else if (tag != 19)
            {
                Expect((operation, controls), 5);
                return (entries, ReadPosition(controls));
            }
        }
    }, cancellation);

    public async ValueTask DisposeAsync()
    {
        await _input.CompleteAsync();
        await _stream.DisposeAsync();
    }

    private static async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerLimit);
        try
        {
            return await ask(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"The server gave no complete answer within {AnswerLimit.TotalSeconds:0} s.");
        }
        catch (AsnContentException e)
        {
            throw new IOException("What the server sent is no LDAP.", e);
        }
    }

    private async Task SendAsync(Action<AsnWriter> operation, Action<AsnWriter>? control, CancellationToken cancellation)
    {
        var writer = new AsnWriter(AsnEncodingRules.BER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(++_lastId);
            operation(writer);
            if (control is not null)
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0))) control(writer);
        }
        _bytesLeft = MostBytes;
        await _stream.WriteAsync(writer.Encode(), cancellation);
    }

    private async Task<(AsnReader Operation, AsnReader? Controls)> ReceiveAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var bytes = await LdapFrame.ReadAsync(_input, _bytesLeft, cancellation);
            _bytesLeft -= bytes.Length;
            var message = new AsnReader(bytes, AsnEncodingRules.BER).ReadSequence();
            if (!message.TryReadInt32(out var id)) throw new IOException("What the server sent is no LDAP.");
            var operation = new AsnReader(message.ReadEncodedValue(), AsnEncodingRules.BER);
            // A notice that the server is about to disconnect.
            if (id == 0) Expect((operation, null), 24);
            else if (id == _lastId) return (operation, message.HasData ? message.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0)) : null);
        }
    }

    private static void Expect((AsnReader Operation, AsnReader? Controls) answer, int tag)
    {
        var result = answer.Operation.ReadSequence(Operation(tag));
        var code = result.ReadEnumeratedValue<LdapResult>();
        result.ReadOctetString();
        var said = Encoding.UTF8.GetString(result.ReadOctetString());
        if (code != LdapResult.Success) throw new LdapException(code, StorableText.Clean(said.Trim(), 200));
    }

    private static LdapEntry ReadEntry(AsnReader operation)
    {
        var entry = operation.ReadSequence(Operation(4));
        var name = Encoding.UTF8.GetString(entry.ReadOctetString());
        var attributes = new Dictionary<string, IReadOnlyList<byte[]>>(StringComparer.OrdinalIgnoreCase);
        for (var list = entry.ReadSequence(); list.HasData;)
        {
            var attribute = list.ReadSequence();
            var type = Encoding.UTF8.GetString(attribute.ReadOctetString());
            var values = new List<byte[]>();
            for (var set = attribute.ReadSetOf(skipSortOrderValidation: true); set.HasData;) values.Add(set.ReadOctetString());
            attributes[type] = values;
        }
        return new(name, attributes);
    }

    private static void WritePaging(AsnWriter writer, int size, byte[] position)
    {
        var value = new AsnWriter(AsnEncodingRules.BER);
        using (value.PushSequence())
        {
            value.WriteInteger(size);
            value.WriteOctetString(position);
        }
        using var control = writer.PushSequence();
        writer.WriteOctetString(Encoding.ASCII.GetBytes(PagingName));
        writer.WriteBoolean(true);
        writer.WriteOctetString(value.Encode());
    }

    private static byte[] ReadPosition(AsnReader? controls)
    {
        while (controls is { HasData: true })
        {
            var control = controls.ReadSequence();
            if (Encoding.ASCII.GetString(control.ReadOctetString()) != PagingName) continue;
            if (control.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean)) control.ReadBoolean();
            var value = new AsnReader(control.ReadOctetString(), AsnEncodingRules.BER).ReadSequence();
            value.ReadInteger(); // An estimate of all there are.
            return value.ReadOctetString();
        }
        return [];
    }

    private static PipeReader CreateInput(Stream stream) => PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));

    private static Asn1Tag Operation(int number) => new(TagClass.Application, number);
}
