using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Directories;

/// <summary>
/// A SCIM 2.0 directory (RFC 7644) over the one way out. A position is the <c>startIndex</c> of the next page. Such lists
/// shift while they are paged: what comes twice is the caller's to know, what is missed is asked for by its id.
/// It is always read whole.
/// </summary>
internal sealed class ScimReader(DirectoryDefinition definition, string token, OutgoingHttp http) : IDirectoryReader
{
    private const int Retries = 5;
    // A group of 100,000 members has some 15 MB.
    private const int MostBytes = 32 * 1024 * 1024;

    private readonly string _root = definition.Url.TrimEnd('/');

    public bool ListsShift => true;

    // Few servers filter by meta.lastModified, and those that do differ in which changes it counts.
    public IAsyncEnumerable<DirectoryRows<DirectoryMark>>? ListUsers(CancellationToken cancellation) => null;

    public IAsyncEnumerable<DirectoryRows<DirectoryUser>> ReadUsersAsync(string? position, DateTimeOffset? since, CancellationToken cancellation) =>
        ListAsync("Users", definition.PageSize, ReadUser, position, cancellation);

    public IAsyncEnumerable<DirectoryRows<DirectoryGroup>> ReadGroupsAsync(string? position, CancellationToken cancellation) =>
        ListAsync("Groups", Math.Min(DirectoryReaders.MostGroups, definition.PageSize), ReadGroup, position, cancellation);

    public Task<DirectoryUser?> FindUserAsync(string id, CancellationToken cancellation) => FindAsync("Users", id, ReadUser, cancellation);

    public Task<DirectoryGroup?> FindGroupAsync(string id, CancellationToken cancellation) => FindAsync("Groups", id, ReadGroup, cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async IAsyncEnumerable<DirectoryRows<T>> ListAsync<T>(
        string list, int size, Func<JsonElement, T> read, string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var start = position is null ? 1 : long.Parse(position, CultureInfo.InvariantCulture); ;)
        {
            var answer = await GetAsync($"{list}?startIndex={start}&count={size}", cancellation)
                ?? throw new DirectoryException(DirectoryFault.BaseNotFound, $"url: there is no {list} at {_root}. Give the base URL of SCIM, such as https://directory.example.com/scim/v2.");
            var (rows, total) = Understand(() => (
                answer.TryGetProperty("Resources", out var resources) ? resources.EnumerateArray().Select(read).ToList() : [],
                answer.GetProperty("totalResults").GetInt64()));
            var next = start + rows.Count;
            if (rows.Count == 0 && start <= total)
                throw new DirectoryException(DirectoryFault.NotUnderstood, $"{_root} says that there are {total} {list}, and gives none from number {start} on.");
            yield return new(rows, start == 1, next <= total ? next.ToString(CultureInfo.InvariantCulture) : null);
            if (next > total) yield break;
            start = next;
        }
    }

    private async Task<T?> FindAsync<T>(string list, string id, Func<JsonElement, T> read, CancellationToken cancellation) where T : class =>
        await GetAsync($"{list}/{Uri.EscapeDataString(id)}", cancellation) is { } found ? Understand(() => read(found)) : null;

    private async Task<JsonElement?> GetAsync(string path, CancellationToken cancellation)
    {
        try
        {
            var answer = await http.SendAsync(new OutgoingCall
            {
                Address = new Uri($"{_root}/{path}"),
                Source = AddressSource.Row,
                Retries = Retries,
                MostBytes = MostBytes,
                CreateRequest = () =>
                {
                    var request = new HttpRequestMessage { Method = HttpMethod.Get };
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
                    request.Headers.Accept.ParseAdd("application/scim+json, application/json");
                    return request;
                },
            }, cancellation);
            if (answer.Status == 404) return null;
            if (!answer.IsSuccess) throw Describe(answer);
            if (answer.IsTruncated)
                throw new DirectoryException(DirectoryFault.NotUnderstood, $"page_size: a page of {_root} has more than {MostBytes:N0} bytes. Lower it.");
            return JsonElement.Parse(answer.Body.Span);
        }
        catch (JsonException e)
        {
            throw NotUnderstood(e);
        }
        catch (OutgoingException e)
        {
            throw DirectoryException.OfNetwork(new Uri(_root).Authority, e)!;
        }
    }

    private DirectoryException Describe(OutgoingAnswer answer) => answer.Status switch
    {
        401 => new(DirectoryFault.Credentials, $"secret: {_root} does not know the token (401). Set the present one."),
        403 => new(DirectoryFault.Credentials, $"secret: {_root} does not let the token read users and groups (403). Give it the right to."),
        429 => new(DirectoryFault.Throttled, $"{_root} asks to come less often (429).", answer.RetryAfter),
        >= 300 and < 400 => new(DirectoryFault.BaseNotFound, $"url: {_root} answers {answer.Status}: redirects are not followed. Set it to where it leads."),
        408 or 425 or >= 500 => new(DirectoryFault.Unavailable, $"{_root} answers {answer.Status} {answer.Reason}.", answer.RetryAfter),
        _ => new(DirectoryFault.NotUnderstood, $"{_root} answers {answer.Status} {answer.Reason}."),
    };

    private static DirectoryUser ReadUser(JsonElement user)
    {
        var id = Demand(user, "id");
        var name = user.TryGetProperty("name", out var given) && given.ValueKind == JsonValueKind.Object ? given : default;
        return new(id, id, Demand(user, "userName"))
        {
            Email = ReadEmail(user),
            GivenName = ReadText(name, "givenName"),
            FamilyName = ReadText(name, "familyName"),
            DisplayName = ReadText(user, "displayName") ?? ReadText(name, "formatted"),
            // Some write a text.
            IsActive = !user.TryGetProperty("active", out var active) || active.ValueKind != JsonValueKind.False
                && !(active.ValueKind == JsonValueKind.String && active.GetString()!.Equals("false", StringComparison.OrdinalIgnoreCase)),
        };
    }

    private static DirectoryGroup ReadGroup(JsonElement group)
    {
        var id = Demand(group, "id");
        return new(id, id, Demand(group, "displayName"),
            group.TryGetProperty("members", out var members) && members.ValueKind == JsonValueKind.Array
                ? [.. members.EnumerateArray().Select(member => Demand(member, "value"))] : []);
    }

    private static string? ReadEmail(JsonElement user)
    {
        if (!user.TryGetProperty("emails", out var emails) || emails.ValueKind != JsonValueKind.Array) return null;
        var first = emails.EnumerateArray().OrderByDescending(email => email.TryGetProperty("primary", out var primary) && primary.ValueKind == JsonValueKind.True).FirstOrDefault();
        return ReadText(first, "value");
    }

    private static string? ReadText(JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Demand(JsonElement holder, string name) =>
        holder.GetProperty(name).GetString() is { Length: > 0 } text ? text : throw new FormatException($"a row has an empty {name}");

    private T Understand<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw NotUnderstood(e);
        }
    }

    private DirectoryException NotUnderstood(Exception e) =>
        new(DirectoryFault.NotUnderstood, $"url: the answer of {_root} is none of SCIM 2.0 ({e.Message.TrimEnd('.')}).", null, e);
}
