using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using JobPlatform.Core.Ldap;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Tests.Outgoing;

public sealed class CertificateTests
{
    [Test]
    public async Task Nobody_is_asked_for_the_issuer_that_a_certificate_names([Values] bool isLdap)
    {
        await using var named = await HttpReceiver.StartAsync();
        using var certificate = Create($"http://127.0.0.1:{named.Port}/issuer.cer");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var served = ServeAsync(listener, certificate);

        if (isLdap)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            await Assert.ThrowsAsync<AuthenticationException>(() => new LdapTls("localhost", checks: true, authorities: null).SecureAsync(client.GetStream(), default));
        }
        else
        {
            await using var outgoing = new OutgoingServices("127.0.0.1");
            await Assert.ThrowsAsync<OutgoingException>(() => outgoing.GetAsync($"https://127.0.0.1:{port}/"));
        }

        await served;
        Assert.That(named.Requests, Is.Empty);
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await using var secured = new SslStream(client.GetStream());
        try
        {
            await secured.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                // Offline: the server itself would fetch the issuer otherwise.
                ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
            });
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // The client hangs up, as it should.
        }
    }

    private static X509Certificate2 Create(string issuerAddress)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=Unknown authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var issuer = authority.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [issuerAddress]));
        using var certificate = request.Create(issuer, now.AddHours(-1), now.AddHours(1), [1, 2, 3, 4]);
        return certificate.CopyWithPrivateKey(key);
    }
}
