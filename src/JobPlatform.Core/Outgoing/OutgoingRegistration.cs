using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Core.Outgoing;

/// <summary>Adds what calls others.</summary>
public static class OutgoingRegistration
{
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(15);

    /// <summary><see cref="AddressGuard"/> and <see cref="OutgoingHttp"/>; needs a <see cref="TimeProvider"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="allowed">What of the inside addresses in rows may reach.</param>
    public static IServiceCollection AddOutgoing(this IServiceCollection services, AllowList allowed)
    {
        services.AddSingleton(new AddressGuard(allowed));
        services.AddSingleton<OutgoingHttp>();
        AddClient(services, OutgoingHttp.GuardedClient, provider =>
        {
            var guard = provider.GetRequiredService<AddressGuard>();
            var handler = CreateHandler();
            // A proxy would resolve names itself.
            handler.UseProxy = false;
            // An issuer would be fetched from wherever the server's certificate says, past the guard. No check of revocation is the default without a policy.
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            handler.ConnectCallback = (connection, cancellation) =>
                guard.ConnectAsync(connection.DnsEndPoint.Host, connection.DnsEndPoint.Port, cancellation);
            return handler;
        });
        AddClient(services, OutgoingHttp.TrustedClient, _ => CreateHandler());
        return services;
    }

    private static void AddClient(IServiceCollection services, string name, Func<IServiceProvider, HttpMessageHandler> create) =>
        services.AddHttpClient(name, client => client.Timeout = Timeout.InfiniteTimeSpan) // The pipeline keeps the time.
            .ConfigurePrimaryHttpMessageHandler(create)
            // The connections' own lifetime sees to it that a changed name is noticed.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            // They would write down paths, which are the secret of many a webhook.
            .RemoveAllLoggers();

    private static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = LongestConnect,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        MaxConnectionsPerServer = 100,
        MaxResponseHeadersLength = 16,
    };
}
