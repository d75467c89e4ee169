using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using JobPlatform.Handlers.Email;

namespace JobPlatform.Handlers.Tests.Email;

public sealed class EncryptionTests
{
    [Test]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_and_no_mail_is_touched()
    {
        using var certificate = MakeCertificate("127.0.0.1");
        await using var room = await Mailroom.CreateAsync();
        await using var server = await StartServerAsync(certificate);
        var id = await room.AddAsync("ada@example.com");

        var ending = await room.RunAsync(Mailroom.To(server.Port, "u:p%C3%A4ss@", "?starttls=required"));

        Assert.That(ending.Message(), Does.StartWith("STARTTLS failed, so nothing was sent: ").And.Contain("certificate"));
        var row = await room.RowAsync(id);
        Assert.That((row.Status, row.Attempts), Is.EqualTo(("pending", 0)));
        Assert.That(await server.KillAsync(), Is.Empty);
    }

    [Test]
    public async Task A_server_without_STARTTLS_gets_nothing_when_it_is_required()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        await room.AddAsync("ada@example.com");

        var ending = await room.RunAsync(Mailroom.To(server.Port, "", "?starttls=required"));

        Assert.That(ending.Message(), Does.StartWith("The mail server offers no STARTTLS, so nothing was sent."));
        Assert.That(await server.KillAsync(), Is.Empty);
    }

    [TestCase("PLAIN", "127.0.0.1", true)]
    [TestCase("LOGIN", "127.0.0.1", true)]
    [TestCase("PLAIN", "127.0.0.2", false)]
    public async Task A_trusted_certificate_is_taken_for_its_own_host_only(string method, string address, bool isTaken)
    {
        using var certificate = MakeCertificate(address);
        await using var room = await Mailroom.CreateAsync();
        await using var server = await StartServerAsync(certificate, method);
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificate } };
        var settings = Mailroom.To(server.Port, "u:p%C3%A4ss@", "?starttls=required").Server!;

        async Task SendAsync()
        {
            await using var connection = await SmtpConnection.OpenAsync(settings, TimeProvider.System, CancellationToken.None, trust);
            await connection.SendAsync(new MailMessage("jobs@sender.example", "ada@example.com", "Message-ID: <1@x>\r\n\r\nHi\r\n"u8.ToArray()), CancellationToken.None);
        }

        if (!isTaken)
        {
            Assert.That(SendAsync, Throws.TypeOf<SmtpFault>().With.Message.Contains("RemoteCertificateNameMismatch"));
            return;
        }
        await SendAsync();
        var kept = (await server.KillAsync()).Single();
        Assert.That((kept.Secure, kept.User), Is.EqualTo((true, "u")));
    }

    private static Task<MailServer> StartServerAsync(X509Certificate2 certificate, string method = "PLAIN") => MailServer.StartAsync(new
    {
        user = "u", password = "päss", authMethods = new[] { method },
        tls = new { cert = certificate.ExportCertificatePem(), key = certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem() },
    });

    private static X509Certificate2 MakeCertificate(string address)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
