using System.Globalization;

namespace JobPlatform.Core.Runs;

/// <summary>
/// When a failed attempt is tried again: <c>30,60,120</c> (seconds before attempts 2, 3, 4; the last one repeats) or
/// <c>exponential(15,3600)</c> (15 s doubled each time up to an hour, plus or minus a fifth, so that runs that failed
/// together do not come back together). Immutable.
/// </summary>
public sealed class RetryPolicy
{
    private const double JitterShare = 0.2;
    private readonly int[] _seconds;
    private readonly int _cap;

    private RetryPolicy(int[] seconds, int cap) => (_seconds, _cap) = (seconds, cap);

    /// <summary>The default of new jobs.</summary>
    public const string Default = "exponential(15,3600)";

    private static readonly RetryPolicy Fallback = new([15], 3600);

    /// <summary>The policy, or the default one where the text (written by hand into the row) cannot be read.</summary>
    public static RetryPolicy ParseOrDefault(string text) =>
        TryParse(text, out var policy, out _) ? policy : Fallback;

    /// <summary>Reads a policy; on failure the error is one sentence.</summary>
    public static bool TryParse(string text, out RetryPolicy policy, out string? error)
    {
        policy = null!;
        error = null;
        if (text.StartsWith("exponential(", StringComparison.Ordinal) && text.EndsWith(')'))
        {
            var arguments = text["exponential(".Length..^1].Split(',');
            if (arguments.Length == 2 && TrySeconds(arguments[0], out var first) && TrySeconds(arguments[1], out var cap) && first >= 1 && cap >= first)
            {
                policy = new([first], cap);
                return true;
            }
        }
        else
        {
            var seconds = new List<int>();
            foreach (var part in text.Split(','))
            {
                if (!TrySeconds(part, out var value)) break;
                seconds.Add(value);
            }
            if (seconds.Count is > 0 and <= 100 && seconds.Count == text.Split(',').Length)
            {
                policy = new([.. seconds], 0);
                return true;
            }
        }
        error = $"retry_delays: '{text}' is neither a list of seconds such as 30,60,120 nor exponential(first,cap) with 1 <= first <= cap such as {Default}.";
        return false;
    }

    /// <summary>The wait after an attempt failed.</summary>
    /// <param name="failedAttempt">The number of the attempt that failed; the first is 1.</param>
    /// <param name="random">0 to 1: where in the jitter's range the wait lies.</param>
    public TimeSpan DelayAfter(int failedAttempt, double random)
    {
        if (_cap == 0) return TimeSpan.FromSeconds(_seconds[Math.Min(failedAttempt, _seconds.Length) - 1]);
        var seconds = Math.Min(_cap, _seconds[0] * Math.Pow(2, Math.Min(failedAttempt - 1, 40)));
        return TimeSpan.FromSeconds(seconds * (1 - JitterShare + 2 * JitterShare * random));
    }

    private static bool TrySeconds(string text, out int seconds) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && seconds <= 9_999_999;
}
