using System.Text;
using JobPlatform.Core.Directories;

namespace JobPlatform.Handlers.Tests.Directories;

public sealed class LdapSyncTests
{
    private const int Users = 5_000;

    [Test]
    public async Task Five_thousand_entries_are_followed_through_additions_changes_renames_moves_and_deletions()
    {
        await using var slapd = await SlapdProcess.StartAsync(Entries(Users) + Group("all", "cn=staff,ou=groups,dc=example,dc=com", Dn(1))
            + Group("staff", Dn(2), "UID=u3 , OU=People,dc=EXAMPLE,dc=com", "cn=All,ou=groups,dc=example,dc=com") + Group("empty", "uid=nobody,ou=people,dc=example,dc=com"));
        await using var bench = await DirectoryBench.CreateAsync(Of(slapd), SlapdProcess.Password);

        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo($"users_read={Users} groups_read=3 added={Users} groups_added=3 memberships_added=6"));
        Assert.That(await bench.UsersAsync("user_name IN ('u1', 'u2', 'u3', 'u4')"), Is.EqualTo("u1(all,staff) u2(all,staff) u3(all,staff) u4"));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT concat_ws(' ', email, given_name, family_name, display_name) FROM jobplatform.directory_users WHERE user_name = 'u7'"),
            Is.EqualTo("u7@example.com Jürgen Ünal 7 Jürgen Ünal"));

        var versions = await bench.VersionsAsync();
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo($"users_read={Users} groups_read=3"));
        Assert.That(await bench.VersionsAsync(), Is.EqualTo(versions), "nothing was written");

        await slapd.ChangeAsync(
            $"""
            {Entry(5001, "changetype: add")}

            dn: {Dn(10)}
            changetype: modify
            replace: mail
            mail: new@example.com

            dn: {Dn(2)}
            changetype: modrdn
            newrdn: uid=renamed
            deleteoldrdn: 1

            dn: {Dn(11)}
            changetype: delete

            dn: cn=staff,ou=groups,dc=example,dc=com
            changetype: modify
            replace: member
            member: uid=renamed,ou=people,dc=example,dc=com
            member: {Dn(20)}

            dn: cn=empty,ou=groups,dc=example,dc=com
            changetype: modrdn
            newrdn: cn=a\, b
            deleteoldrdn: 1

            dn: cn=all,ou=groups,dc=example,dc=com
            changetype: modify
            add: member
            member: cn=a\2c b,ou=groups,dc=example,dc=com


            """);
        var output = await bench.SyncAsync();

        Assert.That(DirectoryBench.Counts(output), Is.EqualTo(
            $"users_read={Users} groups_read=3 added=1 updated=2 deactivated=1 moved=3 groups_updated=1 memberships_added=2 memberships_removed=3"));
        Assert.That(await bench.UsersAsync("user_name IN ('u1', 'renamed', 'u3', 'u11', 'u20', 'u5001')"), Is.EqualTo("renamed(all,staff) u1(all) u11* u20(all,staff) u3 u5001"));
        Assert.That(output.ToString(), Does.Contain("""{"kind":"updated","name":"u10","differences":{"email":["u10@example.com","new@example.com"]}}""")
            .And.Contain("""{"kind":"updated","name":"renamed","differences":{"user_name":["u2","renamed"]}}"""));
    }

    [Test]
    public async Task Ldaps_and_StartTLS_work_with_the_companys_own_authority_and_without_it_the_test_says_so()
    {
        await using var slapd = await SlapdProcess.StartAsync(Entries(3));
        var tls = Of(slapd) with { Url = slapd.TlsUrl, Ldap = Of(slapd).Ldap! with { CaCertificates = slapd.Authority } };
        await using var bench = await DirectoryBench.CreateAsync(tls, SlapdProcess.Password);
        var startTls = tls with { Url = slapd.Url, Ldap = tls.Ldap with { StartTls = true } };

        Assert.That((await bench.TestAsync())!.Users, Is.EqualTo((string[])["u1", "u2", "u3"]));
        await bench.ChangeAsync(_ => startTls, SlapdProcess.Password);
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=3 added=3"));

        await bench.ChangeAsync(_ => startTls with { Ldap = startTls.Ldap with { CaCertificates = null } }, SlapdProcess.Password);
        Assert.That((await bench.TestAsync())!.Message, Does.Contain("is of an authority that is not known ('CN=Test authority')"));
        await bench.ChangeAsync(_ => startTls with { Url = slapd.Url.Replace("localhost", "127.0.0.1", StringComparison.Ordinal) }, SlapdProcess.Password);
        Assert.That((await bench.TestAsync())!.Message, Does.Contain("is of 'CN=localhost' and not of 127.0.0.1"));
        await bench.ChangeAsync(_ => startTls with { Ldap = startTls.Ldap with { CaCertificates = null, CheckCertificate = false } }, SlapdProcess.Password);
        Assert.That((await bench.TestAsync())!.Fault, Is.Null, "who does not want it checked");
    }

    [Test]
    public async Task An_expired_certificate_is_refused_and_said_so()
    {
        await using var slapd = await SlapdProcess.StartAsync(certificateEnds: new DateTimeOffset(2020, 3, 1, 0, 0, 0, TimeSpan.Zero));
        await using var bench = await DirectoryBench.CreateAsync(
            Of(slapd) with { Url = slapd.TlsUrl, Ldap = Of(slapd).Ldap! with { CaCertificates = slapd.Authority } }, SlapdProcess.Password);

        var test = (await bench.TestAsync())!;

        Assert.That(test.Fault, Is.EqualTo(DirectoryFault.Tls));
        Assert.That(test.Message, Does.Contain("not valid at this time (its own from 2020-02-10 to 2020-03-01)"));
    }

    [Test]
    public async Task The_connection_test_names_what_is_wrong()
    {
        await using var slapd = await SlapdProcess.StartAsync(Entries(3));
        await using var bench = await DirectoryBench.CreateAsync(Of(slapd), SlapdProcess.Password);
        var good = Of(slapd);
        var wrong = new (DirectoryFault? Fault, DirectoryDefinition Definition, string? Secret, string Message)[]
        {
            (null, good, null, "It answers, and has users."),
            (DirectoryFault.NoRows, good with { Ldap = good.Ldap! with { UserFilter = "(uid=x*)" } }, null, "ldap.user_filter: it finds no user"),
            (DirectoryFault.BaseNotFound, good with { Ldap = good.Ldap with { BaseDn = "ou=nowhere,dc=example,dc=com" } }, null, "ldap.base_dn: "),
            (DirectoryFault.BaseNotFound, good with { Ldap = good.Ldap with { BaseDn = "nonsense" } }, null, "ldap.base_dn: "),
            (DirectoryFault.Credentials, good, "wrong-password", "ldap.bind_dn: "),
            (DirectoryFault.Credentials, good with { Ldap = good.Ldap with { BindDn = "cn=who,dc=example,dc=com" } }, SlapdProcess.Password, "ldap.bind_dn: "),
            (DirectoryFault.Definition, good with { Ldap = good.Ldap with { IdAttribute = "objectGUID" } }, null, "ldap.id_attribute: "),
            (DirectoryFault.NameNotFound, good with { Url = "ldap://nowhere.example.com" }, SlapdProcess.Password, "url: the name of nowhere.example.com:389 has no address."),
            (DirectoryFault.Tls, good with { Url = slapd.Url.Replace("ldap:", "ldaps:", StringComparison.Ordinal) }, SlapdProcess.Password, "url: no encrypted connection to localhost:"),
        };

        foreach (var (fault, definition, secret, message) in wrong)
        {
            await bench.ChangeAsync(_ => definition, secret);
            var test = (await bench.TestAsync())!;
            Assert.That(test.Fault, Is.EqualTo(fault), test.Message);
            Assert.That(test.Message, Does.StartWith(message).And.Not.Contain(SlapdProcess.Password).And.Not.Contain("wrong-password"));
        }
        await bench.ChangeAsync(_ => good, SlapdProcess.Password);
        await slapd.KillAsync();
        Assert.That((await bench.TestAsync())!.Fault, Is.EqualTo(DirectoryFault.ConnectionRefused));
    }

    [Test]
    public async Task The_password_is_asked_for_again_where_it_would_be_less_protected()
    {
        await using var slapd = await SlapdProcess.StartAsync();
        var good = Of(slapd) with { Ldap = Of(slapd).Ldap! with { StartTls = true, CaCertificates = slapd.Authority } };
        await using var bench = await DirectoryBench.CreateAsync(good, SlapdProcess.Password);
        var faults = new List<string>();

        foreach (var weaker in new[] { good.Ldap with { StartTls = false }, good.Ldap with { CheckCertificate = false }, good.Ldap with { CaCertificates = null } })
            if (await bench.TryChangeAsync(_ => good with { Ldap = weaker }) is DirectoryAnswer.Invalid refused) faults.AddRange(refused.Faults.Select(fault => $"{fault.Field}: {fault.Message}"));
        await bench.ChangeAsync(_ => good with { Ldap = good.Ldap with { CheckCertificate = false } }, SlapdProcess.Password);
        await bench.ChangeAsync(_ => good);

        Assert.That(faults, Has.Count.EqualTo(3).And.All.StartsWith("secret: ldap."));
    }

    public static DirectoryDefinition Of(SlapdProcess slapd) => new()
    {
        Company = "acme", Name = "ldap", Kind = DirectoryKind.Ldap, Url = slapd.Url, PageSize = 500,
        Ldap = new() { BindDn = SlapdProcess.ReaderDn, BaseDn = SlapdProcess.People, GroupBaseDn = SlapdProcess.Groups, StartTls = false },
    };

    public static string Entries(int count) => string.Concat(Enumerable.Range(1, count).Select(n => Entry(n) + "\n\n"));

    public static string Dn(int number) => $"uid=u{number},{SlapdProcess.People}";

    public static string Entry(int number, string change = "# as it is") =>
        $"""
        dn: {Dn(number)}
        {change}
        objectClass: inetOrgPerson
        uid: u{number}
        cn: {number} Jürgen Ünal
        sn: Ünal
        givenName: Jürgen
        mail: u{number}@example.com
        """;

    public static string Group(string name, params string[] members)
    {
        var text = new StringBuilder($"dn: cn={name},{SlapdProcess.Groups}\nobjectClass: groupOfNames\ncn: {name}\n");
        foreach (var member in members) text.Append("member: ").Append(member).Append('\n');
        return text.Append('\n').ToString();
    }
}
