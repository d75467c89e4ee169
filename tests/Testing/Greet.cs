using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Testing;

[JobHandler("greet", "Greets somebody.", Cron = "0 9 * * MON-FRI")]
public sealed class Greet : JobHandler<Greet.Config>
{
    public sealed record Config
    {
        [Required, Description("Whom to greet.")]
        public string Name { get; init; } = "world";
    }

    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        Task.FromResult(RunOutcome.Success(new { greeting = $"Hello, {config.Name}!" }));
}
