using JobPlatform.Core.Administration;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Admin.Layout;
using JobPlatform.Web.Admin.Runs;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Directories;

/// <summary><c>/admin/directory</c>: the connections, a page for each, and what is done with one. As in the API, a change counts as a deletion does.</summary>
internal static class DirectoryRoutes
{
    public const string Address = "/admin/directory";
    private const int PageSize = 50;

    private static readonly LdapSettings ActiveDirectory = new()
    {
        UserFilter = "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
        GroupFilter = "(objectClass=group)", IdAttribute = "objectGUID", UserNameAttribute = "sAMAccountName", DisplayNameAttribute = "displayName",
    };

    public static void MapDirectoryPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/directory", ListAsync).RequireAccess(Access.Read);
        admin.MapGet("/new-directory", ShowNew).RequireAccess(Access.Read);
        admin.MapPost("/new-directory", CreateAsync).RequireAccess(Access.Write);
        admin.MapGet("/directory/{id}", ShowAsync).RequireAccess(Access.Read);
        admin.MapGet("/directory/{id}/edit", ShowEditAsync).RequireAccess(Access.Read);
        admin.MapPost("/directory/{id}/edit", UpdateAsync).RequireAccess(Access.Destroy).WithMetadata(new SecretFields("secret"));
        admin.MapPost("/directory/{id}/test", TestAsync).RequireAccess(Access.Write);
        admin.MapPost("/directory/{id}/sync", SyncAsync).RequireAccess(Access.Write).WithMetadata(new StartsRuns());
        admin.MapPost("/directory/{id}/delete", DeleteAsync).RequireAccess(Access.Destroy);
    }

    private static async Task<IResult> ListAsync(HttpRequest request, DirectoryStore directories, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var after = query.GetCursor(DirectoryEndpoints.ReadPlace);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var page = await directories.ListAsync(after, PageSize + 1, cancellation);
        return AdminPage.Show<DirectoriesPage>(new
        {
            Connections = page.Take(PageSize).ToList(),
            First = after is null ? null : Address,
            Next = page.Count <= PageSize ? null : ListAddress.Of(Address, null, DirectoryEndpoints.PlaceOf(page[PageSize - 1])),
        });
    }

    private static IResult ShowNew(string? kind, HttpContext context) => !context.MayChange() ? Refusals.ViewersOnlyLook : kind switch
    {
        "scim" => Show(DirectoryForm.Of(DirectoryForm.New(DirectoryKind.Scim)), null, null, []),
        "active_directory" => Show(DirectoryForm.Of(DirectoryForm.New(DirectoryKind.Ldap) with { Ldap = ActiveDirectory }), null, null, []),
        _ => Show(DirectoryForm.Of(DirectoryForm.New(DirectoryKind.Ldap)), null, null, []),
    };

    private static async Task<IResult> CreateAsync(HttpContext context, DirectoryStore directories, CancellationToken cancellation)
    {
        var form = DirectoryForm.Of(await context.Request.ReadFormAsync(cancellation), null);
        var (definition, faults) = form.Read();
        return definition is null || faults.Count > 0
            ? Show(form, null, null, faults)
            : Answer(context, await directories.CreateAsync(definition, form.Secret, context.ToActor(), cancellation), form, null, null);
    }

    private static Task<IResult> ShowAsync(string id, DirectoryStore directories, CancellationToken cancellation) =>
        WithAsync(id, directories, connection => Task.FromResult(AdminPage.Show<DirectoryPage>(new { Connection = connection })), cancellation);

    private static async Task<IResult> ShowEditAsync(string id, HttpContext context, DirectoryStore directories, CancellationToken cancellation)
    {
        if (!context.MayChange()) return Refusals.ViewersOnlyLook;
        return await WithAsync(id, directories, connection => Task.FromResult(
            // Asked before anything is typed: a secret would have to be typed again after the password.
            context.FindCaller() is { IsSession: true } caller && !context.HasJustProved(caller)
                ? SignInEndpoints.AskToConfirmFirst(context, $"{Address}/{connection.Id}")
                : Show(DirectoryForm.Of(connection), connection, connection.Version, [])), cancellation);
    }

    private static Task<IResult> UpdateAsync(string id, HttpContext context, DirectoryStore directories, CancellationToken cancellation) => WithAsync(id, directories, async stored =>
    {
        var posted = await context.Request.ReadFormAsync(cancellation);
        var (form, version) = (DirectoryForm.Of(posted, stored), AdminPage.ReadVersion(posted) ?? stored.Version);
        if (ConfirmPage.FindLeftOut(posted) is { Count: > 0 } leftOut) return Show(form, stored, version, leftOut);
        var (definition, faults) = form.Read();
        return definition is null || faults.Count > 0
            ? Show(form, stored, version, faults)
            : Answer(context, await directories.UpdateAsync(stored.Id, definition, version, form.Secret, context.ToActor(), cancellation), form, stored, version);
    }, cancellation);

    // Not led away from afterwards: what came back stands on the page.
    private static Task<IResult> TestAsync(string id, HttpContext context, DirectoryStore directories, DirectoryReaders readers, AuditLog audit, CancellationToken cancellation) =>
        WithAsync(id, directories, async connection =>
        {
            if (await readers.TestAsync(connection.Id, cancellation) is not { } test) return DirectoryEndpoints.NotFound(id);
            await audit.AppendAsync(new AuditEntry(context.ToActor(), "directory.tested", id), cancellation);
            return AdminPage.Show<DirectoryPage>(new { Connection = connection, Test = test });
        }, cancellation);

    private static Task<IResult> SyncAsync(string id, HttpContext context, DirectoryStore directories, HandlerRuns runs, CancellationToken cancellation) =>
        WithAsync(id, directories, async connection =>
        {
            var back = $"{Address}/{connection.Id}";
            if (!connection.IsEnabled) return AdminPage.GoBack(context, back, $"{connection.Name} is disabled. Enable it first.", isFault: true);
            var posted = await context.Request.ReadFormAsync(cancellation);
            if (await DirectoryEndpoints.EnqueueSyncAsync(context, connection, posted["force"] == "true", runs, cancellation) is not { } answer)
                return AdminPage.GoBack(context, back, HandlerRuns.NoJob(DirectoryRuns.Handler).Detail, isFault: true);
            if (answer is RunAnswer.TooWide { Bounds: var bounds }) return AdminPage.Confirm(context, bounds);
            var (runId, fault) = RunAnswerText.Read(answer);
            return fault is not null ? AdminPage.GoBack(context, back, fault, isFault: true)
                : posted.ContainsKey("return_to") ? AdminPage.GoBack(context, back, $"{connection.Name} syncs as soon as a worker is free.")
                : AdminPage.SeeOther($"/admin/runs/{runId}");
        }, cancellation);

    private static Task<IResult> DeleteAsync(string id, HttpContext context, DirectoryStore directories, CancellationToken cancellation) => WithAsync(id, directories, async stored =>
    {
        var posted = await context.Request.ReadFormAsync(cancellation);
        var answer = await directories.DeleteAsync(stored.Id, AdminPage.ReadVersion(posted) ?? stored.Version, context.ToActor(), cancellation);
        if (answer is not DirectoryAnswer.Done) return AdminPage.GoBack(context, $"{Address}/{stored.Id}", Describe(answer).Message, isFault: true);
        Note.Leave(context, $"{stored.Name} is deleted with its secret, users and groups.", isFault: false);
        return AdminPage.SeeOther(Address);
    }, cancellation);

    private static async Task<IResult> WithAsync(string id, DirectoryStore directories, Func<DirectoryConnection, Task<IResult>> answer, CancellationToken cancellation) =>
        await directories.FindAsync(DirectoryEndpoints.IdOf(id), null, cancellation) is { } connection ? await answer(connection) : DirectoryEndpoints.NotFound(id);

    private static IResult Answer(HttpContext context, DirectoryAnswer answer, DirectoryForm form, DirectoryConnection? stored, int? version)
    {
        if (answer is DirectoryAnswer.Invalid { Faults: var faults }) return Show(form, stored, version, faults);
        if (answer is not DirectoryAnswer.Done { Connection: var connection }) return Show(form, stored, version, [Describe(answer)]);
        Note.Leave(context, stored is null ? $"{connection.Name} is made. Test it before its first sync." : $"{connection.Name} is stored as version {connection.Version}.", isFault: false);
        return AdminPage.SeeOther($"{Address}/{connection.Id}");
    }

    private static ConfigFault Describe(DirectoryAnswer answer) => answer switch
    {
        DirectoryAnswer.Unknown => new("", "It was deleted meanwhile."),
        DirectoryAnswer.NameTaken { Message: var message } => new("name", message),
        DirectoryAnswer.Stale { Message: var message } => new("", message),
        _ => throw new InvalidOperationException($"{answer} is an answer that the pages do not know."),
    };

    private static IResult Show(DirectoryForm form, DirectoryConnection? stored, int? version, IReadOnlyList<ConfigFault> faults) =>
        AdminPage.Show<DirectoryFormPage>(new { Form = form, Stored = stored, Version = version, Faults = faults }, faults.Count > 0 ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK);
}
