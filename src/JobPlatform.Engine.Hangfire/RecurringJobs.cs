using System.Globalization;
using Hangfire;
using Hangfire.Common;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Our recurring jobs in Hangfire: sets, removes and reads them. Thread-safe.</summary>
internal sealed class RecurringJobs(HangfireParts hangfire, PlatformDatabase database, TimeProvider clock)
{
    // Beside Hangfire's own fields of a recurring job: which job of the platform it was made for.
    private const string JobIdField = "JobPlatform.JobId";

    private const string KeyPrefix = "recurring-job:";

    /// <summary>Makes or changes the recurring jobs of a job.</summary>
    public void Set(ScheduleDefinition schedule)
    {
        var rings = HangfireCron.Translate(schedule.CronExpression, schedule.JobName, schedule.TimeZone, clock.GetUtcNow());
        for (var n = 0; n < rings.Count; n++) Set(RecurringIds.Of(schedule.JobName, n), rings[n], schedule);
        if (rings.Count == 1) hangfire.RecurringJobs.RemoveIfExists(RecurringIds.Of(schedule.JobName, 1));
    }

    /// <summary>Removes the recurring jobs of that name.</summary>
    public void Remove(string jobName)
    {
        foreach (var id in RecurringIds.AllOf(jobName)) hangfire.RecurringJobs.RemoveIfExists(id);
    }

    /// <summary>All recurring jobs of ours.</summary>
    public Task<IReadOnlyList<RecurringEntry>> ListAsync(CancellationToken cancellation) =>
        ReadAsync($"key >= '{KeyPrefix}{RecurringIds.Prefix}' AND key < '{KeyPrefix}jobplatform;'", [], cancellation);

    /// <summary>The recurring jobs of that name.</summary>
    public Task<IReadOnlyList<RecurringEntry>> FindAsync(string jobName, CancellationToken cancellation) =>
        ReadAsync("key = ANY ($1)", [.. RecurringIds.AllOf(jobName).Select(id => KeyPrefix + id)], cancellation);

    private async Task<IReadOnlyList<RecurringEntry>> ReadAsync(string condition, string[] keys, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            $"""
            SELECT substr(key, length('{KeyPrefix}') + 1), jsonb_object_agg(field, value)
              FROM {HangfireSchema.Name}.hash
             WHERE {condition}
             GROUP BY key HAVING bool_or(field = '{JobIdField}')
            """);
        if (keys.Length > 0) command.Parameters.Add(new() { Value = keys });
        var entries = new List<RecurringEntry>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var fields = System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string?>>(reader.GetString(1))!;
            entries.Add(new(reader.GetString(0), long.Parse(fields[JobIdField]!, CultureInfo.InvariantCulture),
                new(fields.GetValueOrDefault("Cron") ?? "", fields.GetValueOrDefault("TimeZoneId") ?? "UTC"), fields.GetValueOrDefault("Misfire") ?? "0"));
        }
        return entries;
    }

    /// <summary>Whether what Hangfire has is what the schedule asks for.</summary>
    public bool IsInForce(EngineSchedule schedule, IEnumerable<RecurringEntry> entries)
    {
        if (!CronExpression.TryParse(schedule.CronExpression, schedule.JobName, out _, out _)) return true;
        var rings = HangfireCron.Translate(schedule.CronExpression, schedule.JobName, schedule.TimeZone, clock.GetUtcNow());
        return rings.Count == entries.Count() && rings.Select((ring, n) => (ring, id: RecurringIds.Of(schedule.JobName, n))).All(wanted =>
            entries.Any(entry => entry.Id == wanted.id && (entry.Ring == wanted.ring || entry.Ring == wanted.ring.OnEveryDay())
                && entry.Misfire == ModeOf(schedule.Misfire).ToString("D")));
    }

    private void Set(string id, HangfireCron ring, ScheduleDefinition schedule)
    {
        var options = new RecurringJobOptions { TimeZone = TimeZones.Find(ring.TimeZone), MisfireHandling = ModeOf(schedule.Misfire) };
        var job = HandOver.JobOf(schedule.JobName, run: null, "cron", lane: null);
        try
        {
            hangfire.RecurringJobs.AddOrUpdate(id, job, ring.Cron, options);
        }
        catch (ArgumentException)
        {
            // A day that only our parser knows, such as a list with L in it.
            hangfire.RecurringJobs.AddOrUpdate(id, job, ring.OnEveryDay().Cron, options);
        }
        using var connection = hangfire.Storage.GetConnection();
        using var transaction = connection.CreateWriteTransaction();
        transaction.SetRangeInHash(KeyPrefix + id, [new(JobIdField, schedule.JobId.ToString(CultureInfo.InvariantCulture))]);
        transaction.Commit();
    }

    // One ring after an outage is enough also for "all": the plan makes a run for each missed due time, up to its limits,
    // where Hangfire's Strict would make a job for each of them, without one.
    private static MisfireHandlingMode ModeOf(MisfirePolicy policy) =>
        policy == MisfirePolicy.Skip ? MisfireHandlingMode.Ignorable : MisfireHandlingMode.Relaxed;
}

/// <summary>A recurring job of ours as Hangfire has it.</summary>
/// <param name="Id">Its id, with the prefix.</param>
/// <param name="JobId">The job that it was made for.</param>
/// <param name="Ring">Its expression and zone.</param>
/// <param name="Misfire">The number of Hangfire's mode.</param>
internal sealed record RecurringEntry(string Id, long JobId, HangfireCron Ring, string Misfire)
{
    /// <summary>The job's name when it was made.</summary>
    public string JobName => Id[RecurringIds.Prefix.Length..].Split(' ')[0];
}
