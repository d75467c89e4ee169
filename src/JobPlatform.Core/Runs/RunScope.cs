using System.Collections;
using System.Globalization;

namespace JobPlatform.Core.Runs;

/// <summary>What every line of the log says while a run is executed. Immutable.</summary>
internal sealed class RunScope(ClaimedRun run) : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => 3;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("RunId", run.Id),
        1 => new("JobId", run.JobId),
        2 => new("Attempt", run.Attempt),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"RunId:{run.Id} JobId:{run.JobId} Attempt:{run.Attempt}");
}
