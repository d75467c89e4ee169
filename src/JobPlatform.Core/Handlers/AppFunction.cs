using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Handlers;

/// <summary>A function that applications may have for a handler's work: where it is, it is called as it is. Immutable.</summary>
/// <param name="App">The application's database.</param>
/// <param name="Signature">Name and argument types, such as <c>public.cleanup_expired_sessions()</c>.</param>
/// <param name="Call">The statement that calls it and returns a count, such as <c>SELECT public.cleanup_expired_sessions()</c>.</param>
public sealed record AppFunction(AppDatabase App, string Signature, string Call)
{
    /// <summary>Calls it in one statement; in a dry run it is refused, as nobody can see inside it.</summary>
    /// <param name="dryRun">Whether the run may change nothing.</param>
    /// <param name="arguments">The parameters of the statement.</param>
    /// <param name="counted">What the count is of, in the output.</param>
    /// <param name="cancellation">Ends the statement.</param>
    /// <returns>The outcome, with the count that it returned; null where the application has no such function.</returns>
    public async Task<RunOutcome?> RunAsync(bool dryRun, object? arguments, string counted, CancellationToken cancellation)
    {
        await using var connection = await App.OpenAsync(cancellation);
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                "SELECT to_regprocedure(@Signature) IS NOT NULL", new { Signature }, cancellationToken: cancellation)))
            return null;
        if (dryRun)
            return RunOutcome.FailForGood($"dry_run: the work is done by the application's own function {Signature}, which cannot tell what it would do. Run it without dry_run.");
        // No time limit of the statement: the job's own ends it.
        var count = await connection.ExecuteScalarAsync<long>(new CommandDefinition(Call, arguments, commandTimeout: 0, cancellationToken: cancellation));
        return RunOutcome.Success(new Dictionary<string, object> { [counted] = count, ["function"] = Signature });
    }
}
