using JobPlatform.Core.Checks;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Notifications;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Alerts;

/// <summary>Adds what tells the admins, the log and those outside that something is wrong.</summary>
public static class AlertRegistration
{
    /// <summary>For processes that run jobs; needs an <see cref="IAdminNotifier"/>, an engine and what calls others.</summary>
    public static IServiceCollection AddAlerts(this IServiceCollection services, PlatformSettings settings)
    {
        services.AddHostedService(provider => new FailureAlerts(provider.GetRequiredService<PlatformDatabase>(),
            provider.GetRequiredService<IAdminNotifier>(), provider.GetRequiredService<TimeProvider>(), settings.PublicUrl, provider.GetRequiredService<ILogger<FailureAlerts>>()));
        services.AddHostedService(provider => new PlatformAlerts(provider.GetRequiredService<PlatformDatabase>(),
            provider.GetRequiredService<IAdminNotifier>(), settings.Alerts, provider.GetRequiredService<TimeProvider>(), settings.PublicUrl, provider.GetRequiredService<ILogger<PlatformAlerts>>()));
        services.AddHostedService<DriftLog>();
        if (settings.Alerts.Heartbeat is { } address)
            services.AddHostedService(provider => ActivatorUtilities.CreateInstance<Heartbeat>(provider, address));
        return services;
    }
}
