using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary>
/// <c>/api/directory</c>: directory connections, whose secrets are written and never read, and their syncs. A client of
/// one company cannot tell another one's connection from none.
/// </summary>
internal static class DirectoryEndpoints
{
    private const string Example = "{\"company\": \"acme\", \"name\": \"staff\", \"kind\": \"scim\", \"url\": \"https://directory.example.com/scim/v2\", \"secret\": \"…\"}";

    public static void MapDirectories(this IEndpointRouteBuilder api)
    {
        api.MapGet("/directory", ListAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("directories", "List directory connections.")
        {
            Query = [QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<DirectoryConnection>), Problems = ["422 invalid-request"],
        });
        api.MapPost("/directory", CreateAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("directories", "Make a directory connection.")
        {
            Body = typeof(DirectoryBody), Status = 201, Answer = typeof(DirectoryConnection), Problems = ["409 directory-exists", "422 invalid-request"],
        });
        api.MapGet("/directory/{id}", FindAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("directories", "Read a directory connection.")
        {
            Answer = typeof(DirectoryConnection), Problems = ["404 directory-not-found"],
        });
        // Whose users come from where cannot be looked up afterwards: as strict as a deletion.
        api.MapPatch("/directory/{id}", UpdateAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite).Describe(new("directories", "Change a directory connection, or replace its secret.")
        {
            Body = typeof(DirectoryBody), NeedsIfMatch = true, Answer = typeof(DirectoryConnection), Problems = ["404 directory-not-found", "409 directory-exists", "422 invalid-request"],
        });
        api.MapDelete("/directory/{id}", DeleteAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite).Describe(new("directories", "Delete a directory connection with its secret, users and groups.")
        {
            NeedsIfMatch = true, Status = 204, Problems = ["404 directory-not-found"],
        });
        api.MapPost("/directory/{id}/test", TestAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("directories", "Connect to a directory and read its first users; says what is wrong.")
        {
            Answer = typeof(DirectoryTest), Problems = ["404 directory-not-found"],
        });
        api.MapPost("/directory/{id}/sync", SyncAsync).RequireAccess(Access.Write, ClientScopes.DirectorySync).WithMetadata(new StartsRuns()).Describe(new("directories", "Sync a directory; the run that is waiting or running, where there is one.")
        {
            Body = typeof(SyncBody), IsBodyOptional = true, Status = 202, Answer = typeof(Accepted),
            Problems = ["404 directory-not-found", "409 directory-disabled", .. HandlerRuns.Problems, .. RunAnswers.Problems.Except(["404 job-not-found", "409 job-disabled"])],
        });
    }

    /// <summary>The cursor that leads behind a connection.</summary>
    public static string PlaceOf(DirectoryConnection connection) => QueryReader.ToCursor(connection.Company, connection.Name);

    /// <summary>Reads what <see cref="PlaceOf"/> wrote.</summary>
    public static (string Company, string Name)? ReadPlace(string[] parts) => parts is [var company, var name] ? (company, name) : null;

    /// <summary>The key of a text. What is no key is looked for too: it takes as long.</summary>
    public static Guid IdOf(string text) => Guid.TryParseExact(text, "D", out var id) ? id : Guid.Empty;

    /// <summary>What a caller is told of a key that he gave.</summary>
    public static Problem NotFound(string id) => new(StatusCodes.Status404NotFound, "directory-not-found", "There is no such directory connection.",
        $"There is no directory connection '{Shown.Shorten(id)}', or this caller may not see it. Give the id of your own.");

    /// <summary>Asks for a sync, or finds the one that is waiting or running; null where no job has the handler.</summary>
    public static Task<RunAnswer?> EnqueueSyncAsync(HttpContext context, DirectoryConnection connection, bool force, HandlerRuns runs, CancellationToken cancellation)
    {
        var actor = context.ToActor();
        return runs.EnqueueAsync(DirectoryRuns.Handler, new()
        {
            Trigger = context.FindCaller()!.IsSession ? RunTrigger.Manual : RunTrigger.Api, Actor = actor, TriggeredBy = actor.Name,
            DedupKey = DirectoryRuns.KeyOf(connection.Id), Payload = DirectoryRuns.PayloadOf(connection.Id, force),
        }, cancellation);
    }

    private static async Task<IResult> ListAsync(HttpRequest request, DirectoryStore directories, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var after = query.GetCursor(ReadPlace);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<DirectoryConnection>.Answer(await directories.ListAsync(after, limit, cancellation), limit, PlaceOf);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, DirectoryStore directories, CancellationToken cancellation)
    {
        var (definition, secret, refusal) = await ReadAsync(context.Request, null, cancellation);
        if (definition is null) return refusal!;
        var answer = await directories.CreateAsync(definition, secret, context.ToActor(), cancellation);
        if (answer is not DirectoryAnswer.Done { Connection: var connection }) return ToResult(context, "", answer);
        context.Response.Headers.Location = $"{context.Request.PathBase}/api/directory/{connection.Id}";
        return context.WithVersion(connection.Version, ApiJson.Answer(connection, StatusCodes.Status201Created));
    }

    // Always in full: the results change without the version.
    private static async Task<IResult> FindAsync(string id, HttpContext context, DirectoryStore directories, CancellationToken cancellation) =>
        await directories.FindAsync(IdOf(id), null, cancellation) is { } connection ? context.WithVersion(connection.Version, ApiJson.Answer(connection)) : NotFound(id);

    private static async Task<IResult> UpdateAsync(string id, HttpContext context, DirectoryStore directories, CancellationToken cancellation)
    {
        var (version, stale) = context.Request.ReadIfMatch();
        if (stale is not null) return stale;
        if (await directories.FindAsync(IdOf(id), null, cancellation) is not { } connection) return NotFound(id);
        var (definition, secret, refusal) = await ReadAsync(context.Request, connection, cancellation);
        return definition is null ? refusal!
            : ToResult(context, id, await directories.UpdateAsync(connection.Id, definition, version ?? connection.Version, secret, context.ToActor(), cancellation));
    }

    private static async Task<IResult> DeleteAsync(string id, HttpContext context, DirectoryStore directories, CancellationToken cancellation)
    {
        var (version, stale) = context.Request.ReadIfMatch();
        if (stale is not null) return stale;
        if (await directories.FindAsync(IdOf(id), null, cancellation) is not { } connection) return NotFound(id);
        var answer = await directories.DeleteAsync(connection.Id, version ?? connection.Version, context.ToActor(), cancellation);
        return answer is DirectoryAnswer.Done ? Results.NoContent() : ToResult(context, id, answer);
    }

    private static async Task<IResult> TestAsync(string id, HttpContext context, DirectoryReaders readers, AuditLog audit, CancellationToken cancellation)
    {
        if (await readers.TestAsync(IdOf(id), cancellation) is not { } test) return NotFound(id);
        await audit.AppendAsync(new AuditEntry(context.ToActor(), "directory.tested", id), cancellation);
        return ApiJson.Answer(test);
    }

    private static async Task<IResult> SyncAsync(string id, HttpContext context, DirectoryStore directories, HandlerRuns runs, RunAnswers answers, CancellationToken cancellation)
    {
        var (body, _, refusal) = await JsonBody.ReadAsync<SyncBody>(context.Request, "{\"force\": true}", isOptional: true, cancellation);
        if (refusal is not null) return refusal;
        if (await directories.FindAsync(IdOf(id), context.FindCaller()!.Company, cancellation) is not { } connection) return NotFound(id);
        if (!connection.IsEnabled)
            return new Problem(StatusCodes.Status409Conflict, "directory-disabled", "The directory connection is disabled.", $"'{connection.Name}' is disabled. Enable it first.");
        return await EnqueueSyncAsync(context, connection, body!.Force, runs, cancellation) is { } answer
            ? await answers.ToResultAsync(context, answer, cancellation)
            : HandlerRuns.NoJob(DirectoryRuns.Handler);
    }

    // The secret is taken out first, as faults show the values that they are about.
    private static async Task<(DirectoryDefinition? Definition, string? Secret, Problem? Refusal)> ReadAsync(
        HttpRequest request, DirectoryConnection? before, CancellationToken cancellation)
    {
        var (body, refusal) = await JsonBody.ReadAsync(request, Example, cancellation: cancellation);
        if (refusal is not null) return (null, null, refusal);
        var fields = JsonObject.Create(body)!;
        if (body.TryGetProperty("secret", out var secret) && secret.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
            return (null, null, Problem.Invalid(new ConfigFault("secret", "it is not a text.")));
        fields.Remove("secret");
        var based = before is null ? new JsonObject() : JsonSerializer.SerializeToNode<DirectoryDefinition>(before, PlatformJson.Options)!.AsObject();
        // A change of one LDAP setting leaves the others as they are.
        if (based["ldap"] is JsonObject known && fields["ldap"] is JsonObject changed)
            foreach (var (name, value) in known)
                if (!changed.ContainsKey(name)) changed[name] = value?.DeepClone();
        var (read, faults) = ConfigReader.Read(typeof(DirectoryDefinition), JsonSerializer.SerializeToElement(based), JsonSerializer.SerializeToElement(fields));
        return faults.Count > 0 ? (null, null, Problem.Invalid(faults)) : ((DirectoryDefinition)read!, secret.ValueKind == JsonValueKind.String ? secret.GetString() : null, null);
    }

    private static IResult ToResult(HttpContext context, string id, DirectoryAnswer answer) => answer switch
    {
        DirectoryAnswer.Done { Connection: var connection } => context.WithVersion(connection.Version, ApiJson.Answer(connection)),
        DirectoryAnswer.Unknown => NotFound(id),
        DirectoryAnswer.NameTaken { Message: var message } => new Problem(StatusCodes.Status409Conflict, "directory-exists", "There is such a directory connection already.", message),
        DirectoryAnswer.Stale { Message: var message } => Problem.Stale(message),
        DirectoryAnswer.Invalid { Faults: var faults } => Problem.Invalid(faults),
        _ => throw new InvalidOperationException($"{answer} is an answer that the API does not know."),
    };

    /// <summary>What a sync may be asked for.</summary>
    private sealed record SyncBody
    {
        public bool Force { get; init; }
    }

    // Read by hand; this describes the fields.
    private sealed record DirectoryBody : DirectoryDefinition
    {
        public string? Secret { get; init; }
    }
}
