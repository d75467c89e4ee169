using System.Text.Json;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests.Jobs;

public sealed class JobFaultsTests
{
    private static readonly Dictionary<string, bool> Webhooks = new() { ["crm-sync"] = true, ["erp-sync"] = false };

    [Test]
    public void A_retry_rule_that_the_tables_check_lets_pass_but_that_cannot_be_kept_is_a_fault()
    {
        var catalog = new HandlerCatalog([typeof(NothingHandler).Assembly], new ConfigurationBuilder().Build());
        var job = new Job { Name = "j", Handler = "nothing", Config = JsonElement.Parse("{}") };

        Assert.That(JobFaults.OfDefinition(job, catalog, Webhooks), Is.Empty);
        Assert.That(JobFaults.OfDefinition(job with { RetryDelays = "exponential(3600,15)" }, catalog, Webhooks),
            Is.EqualTo((string[])["The job 'j' is tried again by the default, exponential(15,3600), as its own rule cannot be read. " +
                "retry_delays: 'exponential(3600,15)' is neither a list of seconds such as 30,60,120 nor exponential(first,cap) with 1 <= first <= cap such as exponential(15,3600)."]));
    }

    [Test]
    public void A_webhooks_key_is_a_handler_a_disabled_one_is_a_fault_and_one_is_suggested_for_a_mistyped_key()
    {
        var catalog = new HandlerCatalog([typeof(NothingHandler).Assembly], new ConfigurationBuilder().Build());
        var job = new Job { Name = "j", Handler = "crm-sync", Config = JsonElement.Parse("""{"anything": [1]}""") };

        Assert.That(JobFaults.OfDefinition(job, catalog, Webhooks).Concat(JobFaults.OfSurroundings(job, catalog, Webhooks, [])), Is.Empty);
        Assert.That(JobFaults.OfSurroundings(job with { Handler = "erp-sync" }, catalog, Webhooks, []),
            Is.EqualTo((string[])["The job 'j' cannot run: its webhook 'erp-sync' is disabled. Enable it, or disable the job."]));
        Assert.That(JobFaults.OfDefinition(job with { Handler = "crm-sink" }, catalog, Webhooks),
            Is.EqualTo((string[])["The job 'j' cannot run: There is no handler 'crm-sink'. Did you mean crm-sync? 'jobplatform handlers list' and 'jobplatform webhooks list' show them all."]));
    }
}
