using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Core.Tests.Runs;

public sealed class RunExecutorTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public async Task A_database_that_is_away_before_the_handler_begins_gives_the_run_back_and_counts_no_attempt()
    {
        var clock = new FakeClock(Now);
        await using var away = new PlatformDatabase("Host=127.0.0.1;Port=1;Username=u;Database=nowhere");
        await using var app = new AppDatabase("Host=127.0.0.1;Port=1;Username=u;Database=nowhere");
        var redactor = new SecretRedactor([]);
        using var journal = new RunJournal(away, redactor, clock, NullLogger<RunJournal>.Instance);
        var executor = new RunExecutor(new JobCatalog(new JobStore(away, new AuditLog(away, redactor))), new HandlerCatalog([typeof(NothingHandler).Assembly], new ConfigurationBuilder().Build()),
            null!, app, journal, null!, redactor, new NoServices(), clock, NullLogger<RunExecutor>.Instance);
        using var control = new RunControl(clock);

        var (ending, leftBehind) = await executor.ExecuteAsync(new ClaimedRun
        {
            Id = Guid.CreateVersion7(), JobId = 1, JobVersion = 1, Fence = 1, Attempt = 1, Rescues = 0, Trigger = RunTrigger.Manual,
            Forced = false, Limited = false, StartedAt = Now, RunAt = Now,
        }, control);

        Assert.That((ending.Status, ending.RunAt, ending.CountsAttempt, leftBehind), Is.EqualTo((RunStatus.Queued, (DateTimeOffset?)Now.AddSeconds(5), false, (Task?)null)));
    }

    private sealed class NoServices : IServiceProvider
    {
        public object? GetService(Type serviceType) => null;
    }
}
