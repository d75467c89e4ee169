using System.Globalization;
using System.Runtime.InteropServices;
using JobPlatform.Core.Engine;
using JobPlatform.Handlers;
using JobPlatform.Testing;

// TestWorker CONNECTION CONCURRENCY LEASE_SECONDS DRAIN_SECONDS ENGINE: says "ready" when it works; SIGTERM drains.
await using var platform = await TestPlatform.StartAsync(args[0], options: new EngineOptions
{
    Concurrency = int.Parse(args[1], CultureInfo.InvariantCulture),
    Lease = TimeSpan.FromSeconds(int.Parse(args[2], CultureInfo.InvariantCulture)),
    Drain = TimeSpan.FromSeconds(int.Parse(args[3], CultureInfo.InvariantCulture)),
    Role = "worker",
}, engine: Enum.Parse<EngineKind>(args[4]), handlers: typeof(HandlersAssembly).Assembly);
var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.TrySetResult();
});
Console.WriteLine("ready");
await stop.Task;
