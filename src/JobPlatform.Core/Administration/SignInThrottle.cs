using System.Net;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Core.Administration;

/// <summary>
/// Slows down who guesses passwords, without giving anybody the means to keep the owner of an account out: by the address
/// that tries; by the account and the network together; and by the account from all networks together, except those that
/// it has signed in from lately. Counted in the database, for all web nodes together, and before the password is looked
/// at, so that many at once gain nothing. Thread-safe.
/// </summary>
public sealed class SignInThrottle(PlatformDatabase database, PlatformSettings settings, TimeProvider clock)
{
    /// <summary>Sign-ins to one account from one network, and confirmations of its password, in 15 minutes; a success sets each back.</summary>
    public const int MostPerNetwork = 10;

    /// <summary>Sign-ins to one account from all networks together that it is not known to come from, in 15 minutes.</summary>
    public const int MostFromUnknown = 30;

    private static readonly TimeSpan AddressWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AccountWindow = TimeSpan.FromMinutes(15);

    /// <summary>Counts a sign-in.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="email">The account as it was typed, also one that is not there.</param>
    /// <param name="cancellation">Ends the wait; the try may have been counted.</param>
    /// <returns>How long to wait; null when this try may be made.</returns>
    public async Task<TimeSpan?> TryAsync(IPAddress? address, string email, CancellationToken cancellation = default)
    {
        var network = Networks.Around(address);
        await using var connection = await database.OpenAsync(cancellation);
        return await CountAsync(connection, $"address:{Networks.Of(address)}", settings.Access.SignInsPerMinute, AddressWindow, cancellation)
            ?? await CountAsync(connection, $"{AccountKey(email)}:{network}", MostPerNetwork, AccountWindow, cancellation)
            ?? (await IsKnownAsync(connection, email, network, cancellation)
                ? null
                : await CountAsync(connection, AccountKey(email), MostFromUnknown, AccountWindow, cancellation));
    }

    /// <summary>Counts a confirmation of the password by somebody who is signed in: nobody else can use these up.</summary>
    /// <param name="email">The account.</param>
    /// <param name="cancellation">Ends the wait; the try may have been counted.</param>
    /// <returns>How long to wait; null when this try may be made.</returns>
    public async Task<TimeSpan?> TryConfirmAsync(string email, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await CountAsync(connection, ConfirmKey(email), MostPerNetwork, AccountWindow, cancellation);
    }

    /// <summary>Forgets the tries of an account from a network and its confirmations, after a success.</summary>
    public async Task ForgetAsync(IPAddress? address, string email, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM jobplatform.sign_in_attempts WHERE key = ANY (@keys)",
            new { keys = new[] { $"{AccountKey(email)}:{Networks.Around(address)}", ConfirmKey(email) } }, cancellationToken: cancellation));
    }

    /// <summary>What all keys of an account begin with. A row has one size, whatever was typed, and the table shows no address
    /// that somebody mistyped a password into.</summary>
    internal static string AccountKey(string email) =>
        "account:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(AdminAccounts.Normalize(email))));

    private static string ConfirmKey(string email) => $"{AccountKey(email)}:confirm";

    private static Task<bool> IsKnownAsync(NpgsqlConnection connection, string email, string network, CancellationToken cancellation) =>
        connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            """
            SELECT EXISTS (SELECT FROM jobplatform.admin_networks n JOIN jobplatform.admin_users u ON u.id = n.admin_id
                            WHERE u.email = @email AND n.network = @network)
            """, new { email = AdminAccounts.Normalize(email), network }, cancellationToken: cancellation));

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
}
