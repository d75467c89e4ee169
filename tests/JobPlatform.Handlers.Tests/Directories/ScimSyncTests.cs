using System.Text.Json;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Directories;

public sealed class ScimSyncTests
{
    [Test]
    public async Task A_sync_makes_users_groups_and_memberships_equal_to_the_directory_and_writes_what_differs_alone()
    {
        await using var stub = await ScimStub.StartAsync(users: 250);
        stub.Groups.AddRange([("g1", "all", ["g2", "u1", "g3"]), ("g2", "staff", ["u2", "u3", "g1"]), ("g3", "nobody", ["u999"])]);
        await using var bench = await DirectoryBench.CreateAsync(stub);

        var first = await bench.SyncAsync();
        Assert.That(DirectoryBench.Counts(first), Is.EqualTo("users_read=250 groups_read=3 added=250 groups_added=3 memberships_added=6"), "groups within groups, also in a circle");
        Assert.That(await bench.UsersAsync("external_id IN ('u1', 'u2', 'u3', 'u4')"), Is.EqualTo("user1(all,staff) user2(all,staff) user3(all,staff) user4"));
        Assert.That(first.GetProperty("changes").GetArrayLength(), Is.EqualTo(100));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT concat_ws(' ', email, given_name, family_name, display_name) FROM jobplatform.directory_users WHERE external_id = 'u7'"),
            Is.EqualTo("user7@example.com Given user7 Given user7"));

        var versions = await bench.VersionsAsync();
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=250 groups_read=3"));
        Assert.That(await bench.VersionsAsync(), Is.EqualTo(versions), "nothing was written");

        stub.Users[9] = stub.Users[9] with { UserName = "renamed" };
        stub.Users[10] = stub.Users[10] with { Active = false };
        stub.Users.RemoveAll(user => user.Id is "u3" or "u20");
        stub.Users.Add(new("u251", "newcomer"));
        stub.Groups[1] = ("g2", "people", ["u2", "u10"]);
        stub.Groups[0] = ("g1", "all", ["u1"]);
        var second = await bench.SyncAsync();

        Assert.That(DirectoryBench.Counts(second), Is.EqualTo(
            "users_read=249 groups_read=3 added=1 updated=1 deactivated=3 moved=3 groups_updated=1 memberships_added=1 memberships_removed=4"));
        Assert.That(await bench.UsersAsync("external_id IN ('u1', 'u2', 'u3', 'u10', 'u11', 'u20', 'u251')"), Is.EqualTo("newcomer renamed(people) user1(all) user11* user2(people) user20* user3*"));
        Assert.That(Change(second, "updated", "renamed"), Is.EqualTo("""{"email":["user10@example.com","renamed@example.com"],"user_name":["user10","renamed"],"family_name":["user10","renamed"],"display_name":["Given user10","Given renamed"]}"""));
        Assert.That(Change(second, "moved", "user1"), Is.EqualTo("""{"left":["staff"],"joined":[]}""").Or.EqualTo("""{"left":["people"],"joined":[]}"""));

        stub.Users.Add(new("u3", "user3"));
        stub.Groups.RemoveAll(group => group.Id == "g3");
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=250 groups_read=2 reactivated=1 groups_deactivated=1"));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.directory_read_users"), Is.Zero, "nothing is left aside");
    }

    [Test]
    public async Task Lists_that_shift_while_they_are_paged_cost_nobody_the_account()
    {
        await using var stub = await ScimStub.StartAsync(users: 300);
        stub.MostInPage = 40;
        await using var bench = await DirectoryBench.CreateAsync(stub);
        await bench.SyncAsync();
        var isShifted = false;
        stub.PageGiven = start =>
        {
            if (start != 81 || isShifted) return;
            isShifted = true;
            lock (stub.Gate)
            {
                stub.Users.RemoveRange(0, 3); // u121 to u123 move to pages that were given.
                stub.Users.Add(new("u301", "last"));
            }
        };

        var output = await bench.SyncAsync();
        Assert.That(DirectoryBench.Counts(output), Is.EqualTo("users_read=298 kept=3 added=1"), "of those that are gone three were given before, and three missed are asked for by their ids");

        stub.PageGiven = start =>
        {
            if (start == 41) lock (stub.Gate) stub.Users.InsertRange(0, [new("n1", "new1"), new("n2", "new2")]); // What comes next was given already.
        };
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=298 deactivated=3"));
        stub.PageGiven = null;
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Does.Contain("added=2"));
    }

    [Test]
    public async Task Throttling_and_failures_are_waited_out_and_what_lasts_is_left_to_the_next_attempt()
    {
        await using var stub = await ScimStub.StartAsync(users: 30);
        await using var bench = await DirectoryBench.CreateAsync(stub, pageSize: 10);
        stub.Fail(1, 429, retryAfter: 1);
        stub.Fail(1, 500);
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync()), Is.EqualTo("users_read=30 added=30"));

        stub.Fail(1, 429, retryAfter: 1800);
        var ending = await bench.RunAsync();
        Assert.That(ending.Status, Is.EqualTo(RunStatus.Retrying));
        Assert.That(ending.ErrorMessage(), Does.EndWith("asks to come less often (429)."));
        Assert.That(ending.RunAt - TimeProvider.System.GetUtcNow(), Is.GreaterThan(TimeSpan.FromMinutes(25)), "as Retry-After says");
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT last_result ->> 'fault' FROM jobplatform.directory_connections"), Is.EqualTo("throttled"));
    }

    [TestCase("""{"hello": "world"}""", "is none of SCIM 2.0", RunStatus.Retrying)]
    [TestCase("""{"totalResults": 30, "Resources": []}""", "says that there are 30 Users, and gives none from number 11 on.", RunStatus.Retrying)]
    [TestCase("""{"totalResults": 30, "Resources": [{"id": null, "userName": "x"}]}""", "a row has an empty id", RunStatus.Retrying)]
    public async Task A_page_that_is_none_changes_nobody(string page, string message, RunStatus status)
    {
        await using var stub = await ScimStub.StartAsync(users: 30);
        await using var bench = await DirectoryBench.CreateAsync(stub, pageSize: 10);
        await bench.SyncAsync();
        stub.Answer = path => path.Contains("startIndex=11", StringComparison.Ordinal) ? JsonElement.Parse(page) : null;

        var ending = await bench.RunAsync();

        Assert.That(ending.Status, Is.EqualTo(status));
        Assert.That(ending.ErrorMessage(), Does.Contain(message));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.directory_users WHERE deactivated_at IS NULL"), Is.EqualTo(30));
    }

    [Test]
    public async Task A_directory_that_has_lost_more_than_half_is_believed_only_when_forced()
    {
        await using var stub = await ScimStub.StartAsync(users: 20);
        await using var bench = await DirectoryBench.CreateAsync(stub);
        await bench.SyncAsync();
        stub.Users.RemoveRange(9, 11);

        var ending = await bench.RunAsync();
        Assert.That(ending.Status, Is.EqualTo(RunStatus.Skipped));
        Assert.That(JsonElement.Parse(ending.Output!).GetProperty("figures").GetProperty("users_read").GetInt32(), Is.EqualTo(9));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.directory_read_users"), Is.Zero, "it is read anew");
        Assert.That(DirectoryBench.Counts(await bench.SyncAsync(""", "force": true, "dry_run": true""")), Is.EqualTo("users_read=9 deactivated=11"));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.directory_users WHERE deactivated_at IS NULL"), Is.EqualTo(20));

        Assert.That(DirectoryBench.Counts(await bench.SyncAsync(""", "force": true""")), Is.EqualTo("users_read=9 deactivated=11"));
    }

    [Test]
    public async Task A_token_that_is_wrong_fails_for_good_and_stands_nowhere()
    {
        await using var stub = await ScimStub.StartAsync(users: 1);
        await using var bench = await DirectoryBench.CreateAsync(DirectoryBench.Of(stub), "wrong-token-wrong-token");

        var ending = await bench.RunAsync();

        Assert.That(ending.Status, Is.EqualTo(RunStatus.Failed));
        Assert.That(ending.ErrorMessage(), Does.StartWith("secret: ").And.Contain("does not know the token (401)"));
        Assert.That($"{ending.Error}{await bench.Database.ScalarAsync<string>("SELECT string_agg(c::text, '') || (SELECT string_agg(l::text, '') FROM jobplatform.admin_logs l) FROM jobplatform.directory_connections c")}",
            Does.Not.Contain("wrong-token"));
        Assert.That((await bench.TestAsync())!.Fault, Is.EqualTo(DirectoryFault.Credentials));
    }

    private static string Change(JsonElement output, string kind, string name) => output.GetProperty("changes").EnumerateArray()
        .Single(change => $"{change.GetProperty("kind")} {change.GetProperty("name")}" == $"{kind} {name}").GetProperty("differences").ToString();
}
