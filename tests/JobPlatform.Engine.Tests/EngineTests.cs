using JobPlatform.Core.Engine;

namespace JobPlatform.Engine.Tests;

/// <summary>What every engine promises: one body, on each engine of this build.</summary>
[TestFixtureSource(typeof(Engines), nameof(Engines.Built))]
public abstract class EngineTests(EngineKind engine)
{
    /// <summary>The engine that the tests run on.</summary>
    protected EngineKind Engine => engine;

    /// <summary>Starts a node in this process.</summary>
    protected Task<TestPlatform> StartAsync(string connectionString, EngineOptions? options = null, bool runsJobs = true) =>
        TestPlatform.StartAsync(connectionString, options: options, runsJobs: runsJobs, engine: engine);

    /// <summary>Starts a worker as a process of its own.</summary>
    protected Task<WorkerProcess> StartWorkerAsync(string connectionString, int concurrency = 16, int drainSeconds = 10) =>
        WorkerProcess.StartAsync(connectionString, concurrency, drainSeconds: drainSeconds, engine: engine);
}
