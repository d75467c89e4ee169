using System.Collections.Concurrent;

namespace JobPlatform.Web.Security;

/// <summary>
/// Answers that may be some time old, so that not every request asks: a change is seen after
/// <paramref name="lifetime"/> at the latest. Bounded; thread-safe.
/// </summary>
internal sealed class Remembered<TKey, TValue>(TimeSpan lifetime, TimeProvider clock) where TKey : notnull
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<TKey, (TValue Value, long At)> _values = new();

    /// <summary>The remembered answer, or a new one; null is not remembered, so that guesses fill nothing.</summary>
    public async ValueTask<TValue?> GetAsync(TKey key, Func<TKey, Task<TValue?>> ask)
    {
        if (_values.TryGetValue(key, out var known) && clock.GetElapsedTime(known.At) < lifetime) return known.Value;
        // Taken before the question: the answer is never older than it says.
        var at = clock.GetTimestamp();
        if (await ask(key) is not { } value)
        {
            Forget(key);
            return default;
        }
        if (_values.Count >= Most) _values.Clear();
        _values[key] = (value, at);
        return value;
    }

    /// <summary>Asks anew the next time.</summary>
    public void Forget(TKey key) => _values.TryRemove(key, out _);
}
