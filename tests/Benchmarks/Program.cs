using JobPlatform.Benchmarks;

// Benchmarks [NAME …]: all of them without a name. On JOBPLATFORM_TEST_POSTGRES, or a throwaway cluster of its own.
var all = new (string Name, Func<Task> Run)[]
{
    ("backlog", () => Throughput.BacklogAsync(100_000)),
    ("enqueue", () => Throughput.EnqueueOneByOneAsync(5_000)),
    ("bulk", () => Throughput.EnqueueInBulkAsync(100_000)),
    ("claim", ClaimCost.MeasureAsync),
    ("purge", () => PurgeSpeed.MeasureAsync(500_000)),
    ("latency", () => Latency.MeasureAsync(500)),
#if HANGFIRE_ENGINE
    ("engines", () => EngineComparison.MeasureAsync(3_000, 300)),
#endif
};
#if HANGFIRE_ENGINE
if (args is ["raw-worker", var connection])
{
    await RawHangfire.ServeAsync(connection);
    return;
}
#endif
foreach (var (name, run) in all)
    if (args.Length == 0 || args.Contains(name))
        await run();
