using JobPlatform.Core.Outgoing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Core.Webhooks;

/// <summary>Adds webhooks.</summary>
public static class WebhookRegistration
{
    /// <summary>What stores and calls webhooks, and <see cref="OutgoingRegistration.AddOutgoing"/>.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services, AllowList allowed) => services
        .AddOutgoing(allowed)
        .AddSingleton<WebhookHandlerStore>()
        .AddSingleton<WebhookCaller>()
        .AddSingleton<WebhookHandlers>();
}
