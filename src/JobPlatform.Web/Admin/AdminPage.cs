using System.Globalization;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace JobPlatform.Web.Admin;

/// <summary>How the admin's routes answer: with a page, or, after an action, with the way back and a note on it.</summary>
internal static class AdminPage
{
    /// <summary>A page, as a whole: nothing of it is sent before all of it is there.</summary>
    /// <param name="parameters">The component's parameters, as an anonymous object.</param>
    /// <param name="status">The status of the answer.</param>
    public static IResult Show<T>(object parameters, int status = StatusCodes.Status200OK) where T : IComponent =>
        new RazorComponentResult<T>(parameters) { StatusCode = status, PreventStreamingRendering = true };

    /// <summary>After an action: back to the page that it was asked for on, or to another one.</summary>
    /// <param name="context">The request, a form that may name the page in <c>return_to</c>.</param>
    /// <param name="fallback">Where to go when it names none.</param>
    /// <param name="note">What to say there.</param>
    /// <param name="isFault">True when the action was not done.</param>
    public static IResult GoBack(HttpContext context, string fallback, string note, bool isFault = false)
    {
        Note.Leave(context, note, isFault);
        var wanted = context.Request.HasFormContentType ? context.Request.Form["return_to"].ToString() : "";
        return SeeOther(LocalAddress.Of(wanted, fallback));
    }

    /// <summary>Asks for the password, as a destructive handler would delete more, and goes on with the posted form then.</summary>
    /// <param name="context">The request, a form that was read.</param>
    /// <param name="bounds">The fields that are moved out.</param>
    public static IResult Confirm(HttpContext context, IReadOnlyList<ConfigFault> bounds) =>
        AccessAnswers.WantsPage(context.Request)
            ? SignInEndpoints.AskToConfirm(context, context.Request.Form, reason: string.Join(' ', bounds))
            : Refusals.TooWide(context, bounds);

    /// <summary>Leads to another page, by GET.</summary>
    public static IResult SeeOther(string address) => new SeeOtherResult(address);

    /// <summary>The version that a form was made of; null where it names none.</summary>
    public static int? ReadVersion(IFormCollection posted) =>
        int.TryParse(posted["version"], NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;

    /// <summary>True for a caller whose changes would not be refused.</summary>
    public static bool MayChange(this HttpContext context) => context.FindCaller() is { Kind: CallerKind.Admin or CallerKind.Operator };

    private sealed class SeeOtherResult(string address) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = address;
            return Task.CompletedTask;
        }
    }
}
