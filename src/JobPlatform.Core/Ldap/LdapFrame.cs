using System.Buffers;
using System.IO.Pipelines;

namespace JobPlatform.Core.Ldap;

/// <summary>Cuts what comes from a server into messages. Thread-safe.</summary>
internal static class LdapFrame
{
    /// <summary>The bytes of the next message.</summary>
    /// <exception cref="IOException">The connection ended, or what came is no message.</exception>
    /// <exception cref="InvalidDataException">It has more bytes.</exception>
    public static async Task<byte[]> ReadAsync(PipeReader input, int mostBytes, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellation);
            if (FindLength(read.Buffer) is { } length)
            {
                if (length > mostBytes) throw new InvalidDataException($"It sent a message of {length:N0} bytes where {mostBytes:N0} more are read.");
                if (read.Buffer.Length >= length)
                {
                    var message = read.Buffer.Slice(0, length);
                    var bytes = message.ToArray();
                    input.AdvanceTo(message.End);
                    return bytes;
                }
            }
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted) throw new IOException("The server closed the connection.");
        }
    }

    // A sequence's tag, and its length in one byte, or in the number of bytes that the first one says.
    private static long? FindLength(ReadOnlySequence<byte> buffer)
    {
        Span<byte> head = stackalloc byte[6];
        var known = (int)Math.Min(buffer.Length, head.Length);
        buffer.Slice(0, known).CopyTo(head);
        if (known < 2) return null;
        if (head[0] != 0x30) throw new IOException("What the server sent is no LDAP.");
        if (head[1] < 0x80) return 2 + head[1];
        var digits = head[1] - 0x80;
        if (digits is 0 or > 4) throw new IOException("What the server sent is no LDAP.");
        if (known < 2 + digits) return null;
        var length = 0L;
        foreach (var digit in head.Slice(2, digits)) length = length << 8 | digit;
        return 2 + digits + length;
    }
}
