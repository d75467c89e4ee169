namespace JobPlatform.Server.Cli;

/// <summary>What the exit codes mean; the same for every verb, and printed by <c>--help</c>.</summary>
internal static class ExitCode
{
    public const int Well = 0;
    public const int Failed = 1;
    public const int Refused = 2;
    public const int CanceledOrSkipped = 3;
    public const int StillRunning = 4;
    public const int Unavailable = 5;
    public const int Interrupted = 130;

    public const string Help =
        """
        Exit codes:
          0    well
          1    the run failed, or faults were found
          2    wrong usage, or the request was refused (unknown name, disabled job, invalid payload)
          3    the run was canceled or skipped
          4    the run had not ended when the wait was over
          5    a setting is faulty, or the database cannot be used
          130  interrupted by Ctrl-C
        """;
}

/// <summary>Ends a verb: the message is one sentence for the operator, or several, each on a line.</summary>
internal sealed class CliException(int exitCode, string message) : Exception(message)
{
    public int Code => exitCode;

    public static CliException Refused(string message) => new(ExitCode.Refused, message);
}
