using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Testing;

/// <summary>A user as a SCIM server would have it.</summary>
public sealed record StubUser(string Id, string UserName)
{
    public bool Active { get; init; } = true;

    internal object ToJson() => new
    {
        id = Id, userName = UserName, active = Active,
        name = new { givenName = "Given", familyName = UserName }, displayName = $"Given {UserName}",
        emails = new[] { new { value = $"other-{UserName}@example.com", primary = false }, new { value = $"{UserName}@example.com", primary = true } },
        meta = new { resourceType = "User", location = $"/Users/{Id}" },
    };
}

/// <summary>A server that speaks the part of SCIM 2.0 that the platform uses. Thread-safe.</summary>
public sealed class ScimStub : IAsyncDisposable
{
    /// <summary>The one token that it knows.</summary>
    public const string Token = "scim-stub-token-0123456789";

    // Resources is written with a capital.
    private static readonly JsonSerializerOptions AsNamed = new();

    private readonly ConcurrentQueue<(int Status, int? RetryAfter)> _faults = new();
    private HttpReceiver _server = null!;

    /// <summary>Its base URL.</summary>
    public string Url => $"http://127.0.0.1:{_server.Port}/scim/v2";

    /// <summary>What was asked.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => _server.Requests;

    /// <summary>The users, in the order of its lists. Changed under <see cref="Gate"/> while it is asked.</summary>
    public List<StubUser> Users { get; } = [];

    /// <summary>The groups: id, name and ids of members.</summary>
    public List<(string Id, string Name, string[] Members)> Groups { get; } = [];

    /// <summary>Held while lists are read.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The most that it gives in a page, whatever is asked for.</summary>
    public int MostInPage { get; set; } = int.MaxValue;

    /// <summary>May answer in place of the stub, by path and query: null to let it answer.</summary>
    public Func<string, object?>? Answer { get; set; }

    /// <summary>Called after each page of users that was given, with its startIndex.</summary>
    public Action<int>? PageGiven { get; set; }

    public static async Task<ScimStub> StartAsync(int users = 0)
    {
        var stub = new ScimStub();
        for (var n = 1; n <= users; n++) stub.Users.Add(new($"u{n}", $"user{n}"));
        stub._server = await HttpReceiver.StartAsync(stub.AnswerAsync);
        return stub;
    }

    /// <summary>Answers the next requests with a failure each.</summary>
    public void Fail(int times, int status, int? retryAfter = null)
    {
        for (var i = 0; i < times; i++) _faults.Enqueue((status, retryAfter));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!.Replace("/scim/v2/", "", StringComparison.Ordinal);
        if (http.Request.Headers.Authorization != $"Bearer {Token}") http.Response.StatusCode = 401;
        else if (_faults.TryDequeue(out var fault))
        {
            if (fault.RetryAfter is { } seconds) http.Response.Headers.RetryAfter = $"{seconds}";
            http.Response.StatusCode = fault.Status;
        }
        else if (Answer?.Invoke(path + http.Request.QueryString) is { } answer) await http.Response.WriteAsJsonAsync(answer);
        else if (path == "Users") await ListAsync(http, Users, user => user.ToJson());
        else if (path == "Groups") await ListAsync(http, Groups, ToJson);
        else if (path.StartsWith("Users/", StringComparison.Ordinal)) await AnswerOneAsync(http, Users.Find(user => user.Id == path["Users/".Length..])?.ToJson());
        else if (path.StartsWith("Groups/", StringComparison.Ordinal)) await AnswerOneAsync(http, Groups.Exists(group => group.Id == path["Groups/".Length..]) ? ToJson(Groups.Find(group => group.Id == path["Groups/".Length..])) : null);
        else http.Response.StatusCode = 404;
    }

    private async Task ListAsync<T>(HttpContext http, List<T> rows, Func<T, object> describe)
    {
        var start = int.Parse(http.Request.Query["startIndex"].ToString(), CultureInfo.InvariantCulture);
        var count = Math.Min(MostInPage, int.Parse(http.Request.Query["count"].ToString(), CultureInfo.InvariantCulture));
        List<object> page;
        int total;
        lock (Gate) (page, total) = ([.. rows.Skip(start - 1).Take(count).Select(describe)], rows.Count);
        await http.Response.WriteAsJsonAsync(new
        {
            totalResults = total, startIndex = start, itemsPerPage = page.Count, Resources = page,
        }, AsNamed);
        if (typeof(T) == typeof(StubUser)) PageGiven?.Invoke(start);
    }

    private static object ToJson((string Id, string Name, string[] Members) group) =>
        new { id = group.Id, displayName = group.Name, members = group.Members.Select(member => new { value = member }) };

    private static Task AnswerOneAsync(HttpContext http, object? row)
    {
        if (row is not null) return http.Response.WriteAsJsonAsync(row);
        http.Response.StatusCode = 404;
        return Task.CompletedTask;
    }
}
