using System.Collections.Concurrent;

namespace JobPlatform.Core.Jobs;

/// <summary>
/// The definitions that a worker has seen, by id and version. A claim names the version that is in force, so an entry
/// is never stale: another version is another look at the table. Thread-safe.
/// </summary>
public sealed class JobCatalog(JobStore store)
{
    private readonly ConcurrentDictionary<long, Job> _byId = new();

    /// <summary>The definition, null when the job was deleted in between.</summary>
    public ValueTask<Job?> FindAsync(long id, int version, CancellationToken cancellation = default) =>
        _byId.TryGetValue(id, out var job) && job.Version == version ? new(job) : new(LoadAsync(id, cancellation));

    private async Task<Job?> LoadAsync(long id, CancellationToken cancellation)
    {
        var job = await store.FindAsync(id, cancellation);
        if (job is null) _byId.TryRemove(id, out _);
        else _byId[id] = job;
        return job;
    }
}
