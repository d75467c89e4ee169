using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Admin;
using JobPlatform.Web.Admin.Layout;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>
/// <c>/admin/sign-in</c>, <c>/admin/sign-out</c>, <c>/admin/confirm</c> and <c>/admin/session</c>. The forms answer a
/// browser on its way to a page with a redirect, and everything else with 204 or a problem.
/// </summary>
internal static class SignInEndpoints
{
    private const string Address = "/admin/sign-in";
    private const string Home = "/admin";

    // Confirming carries the form that was refused.
    private const long MostBytes = 256 * 1024;

    /// <summary>The sign-in page that says that the provider did not let somebody in.</summary>
    public const string ProviderFault = Address + "?fault=oidc";

    /// <summary>The sign-in page that leads back to the page that was asked for.</summary>
    public static string AddressFor(HttpRequest request) =>
        $"{Address}?return_to={Uri.EscapeDataString(HttpMethods.IsGet(request.Method) ? request.Path + request.QueryString : Home)}";

    public static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        var admin = routes.MapGroup("/admin").WithMetadata(new RequestSizeLimitAttribute(MostBytes));
        admin.MapGet("/sign-in", ShowPage).RequireAccess(Access.Anyone);
        admin.MapPost("/sign-in", SignInAsync).RequireAccess(Access.Anyone);
        if (routes.ServiceProvider.GetRequiredService<PlatformSettings>().Oidc is not null)
            admin.MapGet("/sign-in/oidc", AskProvider).RequireAccess(Access.Anyone);
        admin.MapGet("/session", ShowSession).RequireAccess(Access.Self);
        admin.MapPost("/confirm", ConfirmAsync).RequireAccess(Access.Self);
        admin.MapPost("/sign-out", SignOutAsync).RequireAccess(Access.Self);
    }

    private static IResult ShowPage(HttpContext context, [FromQuery(Name = "return_to")] string? returnTo, string? fault) =>
        context.FindCaller() is { IsSession: true } ? Results.LocalRedirect(Local(returnTo))
        : Page(context, returnTo, fault: fault == "oidc" ? ProviderRefused : null);

    // With confirm, for somebody who is signed in, the provider asks for the password again.
    private static IResult AskProvider([FromQuery(Name = "return_to")] string? returnTo, bool confirm = false)
    {
        var properties = new AuthenticationProperties { RedirectUri = Local(returnTo) };
        if (confirm) properties.Items[OidcHandler.Confirm] = "";
        return Results.Challenge(properties, [OidcHandler.SchemeName]);
    }

    private static async Task<IResult> SignInAsync(
        HttpContext context, CrossSiteGuard guard, PasswordCheck check, Sessions sessions, CancellationToken cancellation)
    {
        // Before anything is read: nobody is signed in to an account of somebody else's choice.
        if (await guard.FindFaultAsync(context) is { } foreign) return Refuse(context, foreign, "", null);
        if (await ReadFormAsync(context.Request, cancellation) is not { } form) return NoForm;
        var (account, fault) = await check.SignInAsync(context, form["email"].ToString(), form["password"].ToString(), cancellation);
        if (account is null) return Refuse(context, fault!, form["email"].ToString(), form["return_to"]);
        await sessions.SignInAsync(context, account);
        return Done(context, Local(form["return_to"]));
    }

    private static async Task<IResult> ConfirmAsync(
        HttpContext context, PasswordCheck check, Sessions sessions, CancellationToken cancellation)
    {
        if (await ReadFormAsync(context.Request, cancellation) is not { } form) return NoForm;
        var email = context.FindCaller()!.Name[Actor.Admin("").Name.Length..];
        var (account, fault) = await check.ConfirmAsync(context, email, form["password"].ToString(), cancellation);
        if (account is null) return AccessAnswers.WantsPage(context.Request) ? AskToConfirm(context, form, fault!) : fault!;
        await sessions.ConfirmAsync(context, account);
        // 307: the browser sends the same form again, now to the action that was refused. A page it asks for by GET.
        return LocalAddress.Of(form[ConfirmPage.Again], "") is { Length: > 0 } again
            ? Results.LocalRedirect(again, preserveMethod: form[ConfirmPage.IsPage] != "true")
            : Done(context, Local(form["return_to"]));
    }

    /// <summary>The page that asks for the password, and goes on with the form afterwards.</summary>
    /// <param name="context">The request that was refused, or the confirmation of it that failed.</param>
    /// <param name="form">Its form.</param>
    /// <param name="fault">Why the password did not do; null before the first.</param>
    /// <param name="reason">Why it is asked for, where the action alone does not tell.</param>
    public static IResult AskToConfirm(HttpContext context, IFormCollection form, Problem? fault = null, string? reason = null)
    {
        var settings = context.RequestServices.GetRequiredService<PlatformSettings>();
        var secrets = context.GetEndpoint()?.Metadata.GetMetadata<SecretFields>()?.Names ?? [];
        string[] own = [CrossSiteGuard.Field, ConfirmPage.Again, "password", .. secrets];
        var leftOut = secrets.Where(secret => form[secret].ToString().Length > 0).Select(secret => KeyValuePair.Create(ConfirmPage.LeftOut, secret));
        return AdminPage.Show<ConfirmPage>(new
        {
            Action = fault is null ? context.Request.Path + context.Request.QueryString : form[ConfirmPage.Again].ToString(),
            Fields = form.Where(field => !own.Contains(field.Key)).SelectMany(field => field.Value.Select(value => KeyValuePair.Create(field.Key, value ?? ""))).Concat(leftOut).ToList(),
            Back = Local(form["return_to"]),
            Minutes = (int)settings.Access.RecentAuth.TotalMinutes,
            HasProvider = settings.Oidc is not null,
            Fault = fault?.Detail ?? reason,
        }, fault?.Status ?? StatusCodes.Status403Forbidden);
    }

    /// <summary>The page that asks for the password before a page is shown, and leads there afterwards.</summary>
    /// <param name="context">The request for that page.</param>
    /// <param name="back">Where to go instead.</param>
    public static IResult AskToConfirmFirst(HttpContext context, string back) =>
        AskToConfirm(context, new FormCollection(new() { [ConfirmPage.IsPage] = "true", ["return_to"] = back }));

    private static async Task<IResult> SignOutAsync(HttpContext context, Sessions sessions)
    {
        await sessions.EndAsync(context);
        return Done(context, Address);
    }

    private static IResult ShowSession(HttpContext context, IAntiforgery antiforgery, PlatformSettings settings)
    {
        var caller = context.FindCaller()!;
        return ApiJson.Answer(new
        {
            caller.Name,
            Role = caller.Kind,
            RecentUntil = caller.ProvedAt + settings.Access.RecentAuth,
            CsrfToken = antiforgery.GetAndStoreTokens(context).RequestToken,
        });
    }

    /// <summary>The request's form; null where its body is none.</summary>
    public static async Task<IFormCollection?> ReadFormAsync(HttpRequest request, CancellationToken cancellation)
    {
        try
        {
            return request.HasFormContentType ? await request.ReadFormAsync(cancellation) : null;
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            // A form of another shape than HTTP gives it, of too many fields, or one that ends before its end.
            return null;
        }
    }

    /// <summary>What a body that is no form is told.</summary>
    public static Problem NoForm { get; } = new(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "The body is no form.",
        "Send the fields with Content-Type: application/x-www-form-urlencoded.");

    private static Problem ProviderRefused { get; } = new(StatusCodes.Status403Forbidden, "sign-in-failed", "The sign-in failed.",
        "The single sign-on did not let you in. The server's log says why.");

    private static IResult Page(HttpContext context, string? returnTo, string email = "", Problem? fault = null) =>
        AdminPage.Show<SignInPage>(new
        {
            ReturnTo = Local(returnTo),
            HasProvider = context.RequestServices.GetRequiredService<PlatformSettings>().Oidc is not null,
            Email = email,
            Fault = fault?.Detail,
        }, fault?.Status ?? StatusCodes.Status200OK);

    private static IResult Refuse(HttpContext context, Problem fault, string email, string? returnTo) =>
        AccessAnswers.WantsPage(context.Request) ? Page(context, returnTo, email, fault) : fault;

    private static IResult Done(HttpContext context, string next) =>
        AccessAnswers.WantsPage(context.Request) ? Results.LocalRedirect(next) : Results.NoContent();

    private static string Local(string? address) => LocalAddress.Of(address, Home);
}
