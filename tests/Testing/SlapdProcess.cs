using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace JobPlatform.Testing;

/// <summary>
/// A real slapd as a process of its own: <c>dc=example,dc=com</c> with people and groups, a reader
/// (<see cref="ReaderDn"/>) whose password is <see cref="Password"/>, and a certificate for <c>localhost</c>.
/// </summary>
public sealed class SlapdProcess : IAsyncDisposable
{
    public const string ReaderDn = "cn=reader,dc=example,dc=com";
    public const string People = "ou=people,dc=example,dc=com";
    public const string Groups = "ou=groups,dc=example,dc=com";
    public const string Password = "slapd-secret-0123";

    private static readonly string Programs = Path.Combine(TestCluster.RepositoryRoot, "tests", "slapd", "bin");
    private readonly string _folder;
    private readonly int _port = FindFreePort();
    private readonly int _tlsPort = FindFreePort();
    private Process? _process;

    private SlapdProcess(string folder) => _folder = folder;

    /// <summary>Its address without encryption, or with StartTLS.</summary>
    public string Url => $"ldap://localhost:{_port}";

    /// <summary>Its encrypted address.</summary>
    public string TlsUrl => $"ldaps://localhost:{_tlsPort}";

    /// <summary>The certificate of the authority that has signed its own, as PEM.</summary>
    public string Authority => File.ReadAllText(Path.Combine(_folder, "ca.pem"));

    /// <summary>Starts one with the entries of an LDIF text below the two units.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="certificateEnds">When its certificate ends; null for tomorrow.</param>
    /// <param name="access">Who may do what, as its configuration says it; empty for everybody all.</param>
    public static async Task<SlapdProcess> StartAsync(string entries = "", DateTimeOffset? certificateEnds = null, string access = "")
    {
        if (!File.Exists(Path.Combine(Programs, "slapd")))
        {
            const string remedy = "There is no slapd: run tests/slapd/install.sh.";
            if (Environment.GetEnvironmentVariable("CI") != "true") NUnit.Framework.Assert.Ignore(remedy);
            throw new InvalidOperationException(remedy);
        }
        var slapd = new SlapdProcess(Directory.CreateTempSubdirectory("jobplatform-slapd").FullName);
        slapd.WriteCertificates(certificateEnds ?? TimeProvider.System.GetUtcNow().AddDays(1));
        slapd.WriteConfiguration(access);
        await CallAsync("slapd", ["-Tadd", "-q", "-f", slapd.In("slapd.conf")], Base + entries);
        await slapd.StartAsync();
        return slapd;
    }

    /// <summary>Changes entries, as LDIF says it.</summary>
    public Task ChangeAsync(string ldif) => CallAsync("ldapmodify", ["-x", "-H", $"ldap://127.0.0.1:{_port}", "-D", "cn=admin,dc=example,dc=com", "-w", Password], ldif);

    /// <summary>Starts it, again on the same ports.</summary>
    public async Task StartAsync()
    {
        var start = Describe("slapd", ["-d", "256", "-f", In("slapd.conf"), "-h", $"ldap://127.0.0.1:{_port} ldaps://127.0.0.1:{_tlsPort}"]);
        start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (!line.Contains("slapd starting", StringComparison.Ordinal)) continue;
            // What it says later must not fill the pipe.
            _ = _process.StandardError.ReadToEndAsync();
            return;
        }
        throw new InvalidOperationException("slapd did not start.");
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Base =>
        $"""
        dn: dc=example,dc=com
        objectClass: dcObject
        objectClass: organization
        o: Example

        dn: {People}
        objectClass: organizationalUnit

        dn: {Groups}
        objectClass: organizationalUnit

        dn: {ReaderDn}
        objectClass: organizationalRole
        objectClass: simpleSecurityObject
        userPassword: {Password}


        """;

    private string In(string name) => Path.Combine(_folder, name);

    private void WriteConfiguration(string access)
    {
        Directory.CreateDirectory(In("data"));
        File.WriteAllText(In("slapd.conf"),
            $"""
            include {Programs}/schema/core.schema
            include {Programs}/schema/cosine.schema
            include {Programs}/schema/inetorgperson.schema
            modulepath {Programs}
            moduleload back_mdb
            TLSCACertificateFile {In("ca.pem")}
            TLSCertificateFile {In("server.pem")}
            TLSCertificateKeyFile {In("server.key")}
            database mdb
            suffix "dc=example,dc=com"
            rootdn "cn=admin,dc=example,dc=com"
            rootpw {Password}
            directory {In("data")}
            maxsize 268435456
            dbnosync
            index objectClass eq
            limits dn.exact="{ReaderDn}" size=unlimited
            {access}
            """);
    }

    private void WriteCertificates(DateTimeOffset end)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=Test authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = authority.CreateSelfSigned(end.AddDays(-30), end.AddDays(300));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var server = request.Create(root, end.AddDays(-20), end, [1, 2, 3, 4]);
        File.WriteAllText(In("ca.pem"), root.ExportCertificatePem());
        File.WriteAllText(In("server.pem"), server.ExportCertificatePem());
        File.WriteAllText(In("server.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private static ProcessStartInfo Describe(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Programs, program), arguments);
        start.Environment["LD_LIBRARY_PATH"] = Programs;
        return start;
    }

    private static async Task CallAsync(string program, string[] arguments, string input)
    {
        var start = Describe(program, arguments);
        start.RedirectStandardInput = start.RedirectStandardError = start.RedirectStandardOutput = true;
        start.StandardInputEncoding = new UTF8Encoding(false);
        using var process = Process.Start(start)!;
        var (said, printed) = (process.StandardError.ReadToEndAsync(), process.StandardOutput.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        var output = await said + await printed;
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {output}");
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
