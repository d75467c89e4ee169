using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Directories;

/// <summary>A connection to a directory, and what a sync of it has left behind.</summary>
internal sealed class DirectoryBench : IAsyncDisposable
{
    private readonly HandlerBench _bench;

    private DirectoryBench(HandlerBench bench, Guid id) => (_bench, Id) = (bench, id);

    public Guid Id { get; }

    public TestDatabase Database => _bench.Database;

    public static async Task<DirectoryBench> CreateAsync(DirectoryDefinition definition, string? secret)
    {
        // A clock that goes: what waits between two tries would wait for ever.
        var bench = await HandlerBench.CreateAsync("sync-directory", withSample: false, time: TimeProvider.System,
            configure: services => services.AddSingleton<DirectoryStore>().AddSingleton<DirectoryReaders>()
                .AddSingleton(new AddressGuard(AllowList.Parse("127.0.0.1 localhost").Allowed, (host, cancellation) => host == "nowhere.example.com"
                    ? throw new SocketException((int)SocketError.HostNotFound) : Dns.GetHostAddressesAsync(host, cancellation))));
        return new(bench, await AddAsync(bench.Get<DirectoryStore>(), definition, secret));
    }

    public static Task<DirectoryBench> CreateAsync(ScimStub stub, int pageSize = 100) => CreateAsync(Of(stub, pageSize), ScimStub.Token);

    public static DirectoryDefinition Of(ScimStub stub, int pageSize = 100) =>
        new() { Company = "acme", Name = "scim", Kind = DirectoryKind.Scim, Url = stub.Url, PageSize = pageSize };

    public static async Task<Guid> AddAsync(DirectoryStore store, DirectoryDefinition definition, string? secret)
    {
        var answer = await store.CreateAsync(definition, secret, Actor.CommandLine);
        return answer is DirectoryAnswer.Done { Connection.Id: var id } ? id
            : throw new InvalidOperationException(answer is DirectoryAnswer.Invalid invalid ? string.Join(' ', invalid.Faults) : $"{answer}");
    }

    public Task<RunEnding> RunAsync(string more = "") => _bench.RunAsync(Payload(more));

    /// <summary>As above, to be stopped from outside.</summary>
    public async Task<RunEnding> RunAsync(Action<RunControl> started)
    {
        using var control = new RunControl(TimeProvider.System);
        started(control);
        return await _bench.RunAsync(Payload(""), control);
    }

    /// <summary>The output of a sync that succeeded.</summary>
    public async Task<JsonElement> SyncAsync(string more = "") => (await RunAsync(more)).OutputJson();

    /// <summary>The words of the last result's error; null for none.</summary>
    public Task<string?> LastErrorAsync() => Database.ScalarAsync<string?>("SELECT last_result ->> 'error' FROM jobplatform.directory_connections");

    /// <summary>A reader of the directory.</summary>
    public async Task<IDirectoryReader> OpenAsync() => (await _bench.Get<DirectoryReaders>().OpenAsync(Id, default))!.Value.Reader;

    public Task<DirectoryTest?> TestAsync() => _bench.Get<DirectoryReaders>().TestAsync(Id, default);

    /// <summary>Changes the definition, if it may be.</summary>
    public async Task<DirectoryAnswer> TryChangeAsync(Func<DirectoryDefinition, DirectoryDefinition> change, string? secret = null)
    {
        var store = _bench.Get<DirectoryStore>();
        var before = (await store.FindAsync(Id))!;
        return await store.UpdateAsync(Id, change(before), before.Version, secret, Actor.CommandLine);
    }

    /// <summary>Changes the definition.</summary>
    public async Task ChangeAsync(Func<DirectoryDefinition, DirectoryDefinition> change, string? secret = null)
    {
        var answer = await TryChangeAsync(change, secret);
        Assert.That(answer, Is.InstanceOf<DirectoryAnswer.Done>(), answer is DirectoryAnswer.Invalid invalid ? string.Join(' ', invalid.Faults) : null);
    }

    /// <summary>The counts that are not zero, in their order.</summary>
    public static string Counts(JsonElement output) => string.Join(' ', output.EnumerateObject()
        .Where(member => member.Value.ValueKind == JsonValueKind.Number && member.Value.GetInt64() != 0).Select(member => $"{member.Name}={member.Value}"));

    /// <summary>User names, with a star where deactivated, and the groups of each.</summary>
    public async Task<string> UsersAsync(string where = "true") => await Database.ScalarAsync<string>(
        $"""
        SELECT string_agg(user_name || CASE WHEN deactivated_at IS NULL THEN '' ELSE '*' END || coalesce(groups, ''), ' ' ORDER BY user_name COLLATE "C")
          FROM (SELECT u.*, '(' || (SELECT string_agg(g.name, ',' ORDER BY g.name) FROM jobplatform.directory_memberships m JOIN jobplatform.directory_groups g ON g.id = m.group_id WHERE m.user_id = u.id) || ')' AS groups
                  FROM jobplatform.directory_users u WHERE {where}) AS users
        """) ?? "";

    /// <summary>Which version of each row there is, so that one that was written shows.</summary>
    public async Task<string> VersionsAsync() => await Database.ScalarAsync<string>(
        """
        SELECT (SELECT string_agg(external_id || xmin, ' ' ORDER BY external_id) FROM jobplatform.directory_users)
            || coalesce((SELECT string_agg(external_id || xmin, ' ' ORDER BY external_id) FROM jobplatform.directory_groups), '')
            || coalesce((SELECT string_agg(user_id || '-' || group_id || xmin, ' ' ORDER BY user_id, group_id) FROM jobplatform.directory_memberships), '')
        """) ?? "";

    private string Payload(string more) => $$"""{"connection_id": "{{Id}}"{{more}}}""";

    public async ValueTask DisposeAsync() => await _bench.DisposeAsync();
}
