using System.Security.Cryptography;
using System.Text;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Core.Administration;

/// <summary>
/// Slows down who guesses passwords: by the address that tries, and by the account that is tried. Counted in the
/// database, for all web nodes together, and before the password is looked at, so that many at once gain nothing.
/// Thread-safe.
/// </summary>
public sealed class SignInThrottle(PlatformDatabase database, PlatformSettings settings, TimeProvider clock)
{
    /// <summary>Sign-ins that one account takes from all addresses together; a success sets it back.</summary>
    public const int MostPerAccount = 30;

    private static readonly TimeSpan AddressWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AccountWindow = TimeSpan.FromMinutes(15);

    /// <summary>Counts a try.</summary>
    /// <param name="network">The address that it comes from, or its network.</param>
    /// <param name="email">The account as it was typed, also one that is not there.</param>
    /// <param name="cancellation">Ends the wait; the try may have been counted.</param>
    /// <returns>How long to wait; null when this try may be made.</returns>
    public async Task<TimeSpan?> TryAsync(string network, string email, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await CountAsync(connection, $"address:{network}", settings.Access.SignInsPerMinute, AddressWindow, cancellation)
            ?? await CountAsync(connection, AccountKey(email), MostPerAccount, AccountWindow, cancellation);
    }

    /// <summary>Forgets the tries of an account, after a success.</summary>
    public async Task ForgetAsync(string email, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM jobplatform.sign_in_attempts WHERE key = @key", new { key = AccountKey(email) }, cancellationToken: cancellation));
    }

    private async Task<TimeSpan?> CountAsync(NpgsqlConnection connection, string key, int most, TimeSpan window, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var (count, since) = await connection.QuerySingleAsync<(int, DateTime)>(new CommandDefinition(
            """
            WITH old AS (
                DELETE FROM jobplatform.sign_in_attempts WHERE key IN
                    (SELECT key FROM jobplatform.sign_in_attempts WHERE since < @now - @longest AND key <> @key
                      ORDER BY since LIMIT 100 FOR UPDATE SKIP LOCKED))
            INSERT INTO jobplatform.sign_in_attempts AS a (key, count, since) VALUES (@key, 1, @now)
            ON CONFLICT (key) DO UPDATE
               SET count = CASE WHEN a.since <= @now - @window THEN 1 ELSE least(a.count, @most) + 1 END,
                   since = CASE WHEN a.since <= @now - @window THEN @now ELSE a.since END
            RETURNING count, since
            """, new { key, now = now.UtcDateTime, window, longest = AccountWindow, most }, cancellationToken: cancellation));
        return count <= most ? null : new DateTimeOffset(since, TimeSpan.Zero) + window - now;
    }

    // A row has one size, whatever was typed, and the table shows no address that somebody mistyped a password into.
    internal static string AccountKey(string email) =>
        "account:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(AdminAccounts.Normalize(email))));
}
