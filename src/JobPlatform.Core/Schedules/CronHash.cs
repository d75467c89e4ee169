using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace JobPlatform.Core.Schedules;

/// <summary>
/// The jitter behind <c>H</c>. SHA-256 because its value is the same in every process, version and architecture
/// (string.GetHashCode is seeded per process) and spreads names that differ in one letter; parsing is not hot.
/// </summary>
internal static class CronHash
{
    /// <summary>A number from 0 to <paramref name="count"/> - 1, fixed for this key and field for ever.</summary>
    public static int Pick(string key, CronField field, int count)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{field.Name}:{key}"));
        return (int)(BinaryPrimitives.ReadUInt64BigEndian(digest) % (ulong)count);
    }
}
