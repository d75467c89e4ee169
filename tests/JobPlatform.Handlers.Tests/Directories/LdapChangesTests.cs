using JobPlatform.Core.Directories;

namespace JobPlatform.Handlers.Tests.Directories;

/// <summary>Users of whom only those are read that have changed. Each has changed on a day of its own; the last one's change
/// is not settled.</summary>
public sealed class LdapChangesTests
{
    private const int Users = 20;
    private const string Other = "ou=other,dc=example,dc=com";

    [Test]
    public async Task Only_users_that_have_changed_are_read_and_after_a_day_all()
    {
        await using var slapd = await SlapdProcess.StartAsync(Entries());
        await using var bench = await DirectoryBench.CreateAsync(LdapSyncTests.Of(slapd), SlapdProcess.Password);
        Assert.That((await bench.SyncAsync()).GetProperty("read_whole").GetBoolean(), Is.True);
        // What is read in full shows, as it overwrites this.
        await bench.Database.ExecuteAsync("UPDATE jobplatform.directory_users SET display_name = 'known'");

        await slapd.ChangeAsync(
            $"""
            {LdapSyncTests.Entry(21, "changetype: add")}

            dn: {LdapSyncTests.Dn(10)}
            changetype: modify
            replace: mail
            mail: new@example.com

            dn: {LdapSyncTests.Dn(11)}
            changetype: delete

            dn: {LdapSyncTests.Dn(12)}
            changetype: modrdn
            newrdn: uid=renamed
            deleteoldrdn: 1


            """);
        var output = await bench.SyncAsync();

        Assert.That(DirectoryBench.Counts(output), Is.EqualTo("users_read=20 added=1 updated=3 deactivated=1"));
        Assert.That(output.GetProperty("read_whole").GetBoolean(), Is.False);
        Assert.That(await bench.UsersAsync("display_name <> 'known' OR deactivated_at IS NOT NULL"), Is.EqualTo("renamed u10 u11* u20 u21"));

        var versions = await bench.VersionsAsync();
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=20"));
        Assert.That(await bench.VersionsAsync(), Is.EqualTo(versions), "nothing was written");

        await bench.Database.ExecuteAsync("UPDATE jobplatform.directory_connections SET read_whole_at = read_whole_at - interval '25 hours'");
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=20 updated=16"));
    }

    [Test]
    public async Task Who_comes_below_the_base_without_a_change_of_his_own_is_read_and_whose_name_changes_so_stays_in_his_groups()
    {
        await using var slapd = await SlapdProcess.StartAsync(
            $"dn: {Other}\nobjectClass: organizationalUnit\n\n{Entries()}{Entries(31, 33).Replace(SlapdProcess.People, Other, StringComparison.Ordinal)}"
            + LdapSyncTests.Group("staff", LdapSyncTests.Dn(1), $"uid=u31,ou=other,{SlapdProcess.People}", $"uid=u31,ou=moved,{SlapdProcess.People}"));
        await using var bench = await DirectoryBench.CreateAsync(LdapSyncTests.Of(slapd), SlapdProcess.Password);
        await bench.SyncAsync();
        Task MoveAsync(string from, string name, string to) => slapd.ChangeAsync($"dn: {from}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: 1\nnewsuperior: {to}\n\n");

        await MoveAsync(Other, "ou=other", SlapdProcess.People);
        var came = await bench.SyncAsync();
        await MoveAsync($"ou=other,{SlapdProcess.People}", "ou=moved", SlapdProcess.People);
        var renamed = await bench.SyncAsync();
        await MoveAsync($"ou=moved,{SlapdProcess.People}", "ou=other", "dc=example,dc=com");
        var went = await bench.SyncAsync();
        await MoveAsync(Other, "ou=other", SlapdProcess.People);
        var returned = await bench.SyncAsync();

        Assert.That(new[] { came, renamed, went, returned }.Select(DirectoryBench.Counts), Is.EqualTo((string[])[
            "users_read=23 groups_read=1 added=3 memberships_added=1", "users_read=23 groups_read=1",
            "users_read=20 groups_read=1 deactivated=3 memberships_removed=1", "users_read=23 groups_read=1 reactivated=3 memberships_added=1"]));
        Assert.That(new[] { came, renamed, went, returned }.Select(output => output.GetProperty("read_whole").GetBoolean()), Has.None.True);
    }

    [Test]
    public async Task All_is_read_when_it_is_forced_and_by_another_definition()
    {
        await using var slapd = await SlapdProcess.StartAsync(Entries());
        await using var bench = await DirectoryBench.CreateAsync(LdapSyncTests.Of(slapd), SlapdProcess.Password);
        await bench.SyncAsync();

        var usual = await bench.SyncAsync();
        var forced = await bench.SyncAsync(""", "force": true""");
        await bench.ChangeAsync(before => before with { Ldap = before.Ldap! with { DisplayNameAttribute = "uid" } });
        var changed = await bench.SyncAsync();

        Assert.That(new[] { usual, forced, changed }.Select(output => output.GetProperty("read_whole").GetBoolean()), Is.EqualTo((bool[])[false, true, true]));
        Assert.That(DirectoryBench.Counts(changed), Is.EqualTo("users_read=20 updated=20"));
    }

    [Test]
    public async Task A_server_that_shows_the_times_and_does_not_search_by_them_is_read_whole()
    {
        await using var slapd = await SlapdProcess.StartAsync(Entries(), access: "access to attrs=modifyTimestamp by * =rcd\naccess to * by * read");
        await using var bench = await DirectoryBench.CreateAsync(LdapSyncTests.Of(slapd), SlapdProcess.Password);
        await bench.SyncAsync();
        await slapd.ChangeAsync($"dn: {LdapSyncTests.Dn(10)}\nchangetype: modify\nreplace: mail\nmail: new@example.com\n\n");

        var output = await bench.SyncAsync();

        Assert.That((DirectoryBench.Counts(output), output.GetProperty("read_whole").GetBoolean()), Is.EqualTo(("users_read=20 updated=1", true)));
    }

    private static string Entries(int first = 1, int last = Users) => string.Concat(Enumerable.Range(first, last - first + 1)
        .Select(n => $"{LdapSyncTests.Entry(n)}\nmodifyTimestamp: 2020{n / 28 + 1:00}{n % 28 + 1:00}120000Z\n\n"));
}
