using JobPlatform.Core.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Tests.Webhooks;

/// <summary>A database, a node that runs jobs, and a receiver that webhooks may reach.</summary>
internal sealed class WebhookBench : IAsyncDisposable
{
    private WebhookBench(TestDatabase database, TestPlatform platform, HttpReceiver receiver) =>
        (Database, Platform, Receiver) = (database, platform, receiver);

    public TestDatabase Database { get; }

    public TestPlatform Platform { get; }

    public HttpReceiver Receiver { get; }

    public WebhookHandlerStore Store => Platform.Services.GetRequiredService<WebhookHandlerStore>();

    public string Url => $"http://127.0.0.1:{Receiver.Port}/hooks/crm";

    public static async Task<WebhookBench> StartAsync(
        Microsoft.AspNetCore.Http.RequestDelegate? answer = null, Action<ILoggingBuilder>? log = null, System.Net.IPAddress? address = null)
    {
        var database = await TestDatabase.CreateAsync();
        return new(database, await TestPlatform.StartAsync(database.ConnectionString, outgoingAllowed: "127.0.0.1", log: log), await HttpReceiver.StartAsync(answer, address));
    }

    /// <summary>Makes the webhook <c>crm</c>, which must be accepted, and a job <c>sync</c> that it handles.</summary>
    public async Task<Webhook> AddAsync(Func<WebhookDefinition, WebhookDefinition>? change = null, WebhookSecrets? secrets = null, params string[] jobColumns)
    {
        var webhook = new WebhookDefinition { Key = "crm", Url = Url };
        var answer = await Store.CreateAsync(change?.Invoke(webhook) ?? webhook, secrets ?? WebhookSecrets.Unchanged, new("test"));
        Assert.That(answer, Is.InstanceOf<WebhookAnswer.Done>(), answer is WebhookAnswer.Invalid { Faults: var faults } ? string.Join(' ', faults) : null);
        await Database.AddJobAsync("sync", "crm", jobColumns.Length > 0 ? jobColumns : ["retry_delays = '0'"]);
        return ((WebhookAnswer.Done)answer).Webhook;
    }

    /// <summary>Runs the job to its end.</summary>
    public async Task<Core.Runs.RunDetails> RunAsync(object? payload = null) =>
        await Platform.WaitForEndAsync(await Platform.EnqueueAsync("sync", payload));

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        await Receiver.DisposeAsync();
        await Database.DisposeAsync();
    }
}
