using System.CommandLine;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Runs;

namespace JobPlatform.Server.Cli;

/// <summary>Run ids as people type them: whole, or the beginning as tables show it.</summary>
internal static class RunIds
{
    private const int Digits = 32;
    private const int FewestDigits = 6;

    public static Argument<string> Argument() =>
        new("id") { Description = "The run's id, or the beginning of it (6 digits or more) when no other run begins alike." };

    /// <summary>The one run whose id begins so.</summary>
    /// <exception cref="CliException">There is none, or more than one.</exception>
    public static async Task<Guid> FindAsync(Session session, string text, CancellationToken cancellation)
    {
        var digits = text.Trim().Replace("-", "", StringComparison.Ordinal);
        if (digits.Length is < FewestDigits or > Digits || !digits.All(char.IsAsciiHexDigit))
            throw CliException.Refused($"'{text}' is not a run's id, nor {FewestDigits} or more digits of its beginning. 'jobplatform runs list' shows ids.");

        await using var connection = await session.Get<PlatformDatabase>().OpenAsync(cancellation);
        var found = (await connection.QueryAsync<Guid>(new CommandDefinition(
            "SELECT id FROM jobplatform.job_runs WHERE id BETWEEN @low AND @high ORDER BY id LIMIT 3",
            // A beginning is a range of the primary key.
            new { low = Guid.ParseExact(digits.PadRight(Digits, '0'), "N"), high = Guid.ParseExact(digits.PadRight(Digits, 'f'), "N") },
            cancellationToken: cancellation))).AsList();
        return found switch
        {
            [] => throw Unknown(text),
            [var only] => only,
            _ => throw CliException.Refused($"More than one run's id begins with '{text}', such as {found[0]} and {found[1]}: give more of it."),
        };
    }

    public static async Task<RunDetails> LoadAsync(Session session, string text, CancellationToken cancellation)
    {
        var id = await FindAsync(session, text, cancellation);
        return await session.Get<RunStore>().FindAsync(id, cancellation) ?? throw Unknown(text);
    }

    public static CliException Unknown(string text) =>
        CliException.Refused($"There is no run '{text}': it never was, or it was purged. 'jobplatform runs list' shows the newest.");
}
