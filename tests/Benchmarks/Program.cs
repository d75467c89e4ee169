using System.Globalization;
using JobPlatform.Benchmarks;

// Benchmarks [NAME[=ROWS] …]: all of them without a name; ROWS for purge, leaderboard, stripe, directory and pages. On JOBPLATFORM_TEST_POSTGRES, or a throwaway cluster of its own.
var all = new (string Name, Func<int?, Task> Run)[]
{
    ("backlog", _ => Throughput.BacklogAsync(100_000)),
    ("enqueue", _ => Throughput.EnqueueOneByOneAsync(5_000)),
    ("bulk", _ => Throughput.EnqueueInBulkAsync(100_000)),
    ("claim", _ => ClaimCost.MeasureAsync()),
    ("purge", rows => PurgeSpeed.MeasureAsync(rows ?? 500_000)),
    ("leaderboard", rows => LeaderboardSpeed.MeasureAsync(rows ?? 200_000)),
    ("stripe", rows => StripeSpeed.MeasureAsync(rows ?? 100_000)),
    ("directory", rows => DirectorySpeed.MeasureAsync(rows ?? 100_000)),
    ("latency", _ => Latency.MeasureAsync(500)),
    ("pages", rows => PageSpeed.MeasureAsync(rows ?? 1_000_000)),
    ("server", _ => ServerProcess.MeasureAsync()),
    ("idle", _ => ServerProcess.MeasureIdleAsync()),
#if HANGFIRE_ENGINE
    ("engines", _ => EngineComparison.ThroughputAsync(3_000)),
    ("engine-latency", _ => EngineComparison.LatencyAsync(200)),
#endif
};
#if HANGFIRE_ENGINE
if (args is ["raw-worker", var connection])
{
    await RawHangfire.ServeAsync(connection);
    return;
}
#endif
if (args is ["stripe-stub", var rowsOfStub])
{
    await StripeSpeed.ServeAsync(int.Parse(rowsOfStub, CultureInfo.InvariantCulture));
    return;
}
if (args is ["directory-stub", var usersOfStub])
{
    await DirectorySpeed.ServeAsync(int.Parse(usersOfStub, CultureInfo.InvariantCulture));
    return;
}
foreach (var (name, run) in all)
    if (args.Length == 0 || args.Any(argument => argument.Split('=')[0] == name))
        await run(args.Where(argument => argument.StartsWith(name + "=", StringComparison.Ordinal))
            .Select(argument => (int?)int.Parse(argument.AsSpan(name.Length + 1), CultureInfo.InvariantCulture)).FirstOrDefault());
