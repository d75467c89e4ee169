using System.Text.Json;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests.Jobs;

public sealed class JobFaultsTests
{
    [Test]
    public void A_retry_rule_that_the_tables_check_lets_pass_but_that_cannot_be_kept_is_a_fault()
    {
        var catalog = new HandlerCatalog([typeof(NothingHandler).Assembly], new ConfigurationBuilder().Build());
        var job = new Job { Name = "j", Handler = "nothing", Config = JsonElement.Parse("{}") };

        Assert.That(JobFaults.OfDefinition(job, catalog, null), Is.Empty);
        Assert.That(JobFaults.OfDefinition(job with { RetryDelays = "exponential(3600,15)" }, catalog, null),
            Is.EqualTo((string[])["The job 'j' is tried again by the default, exponential(15,3600), as its own rule cannot be read. " +
                "retry_delays: 'exponential(3600,15)' is neither a list of seconds such as 30,60,120 nor exponential(first,cap) with 1 <= first <= cap such as exponential(15,3600)."]));
    }
}
