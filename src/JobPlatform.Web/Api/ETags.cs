using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Api;

/// <summary>Versions as entity tags: a change names the version that its maker has seen.</summary>
internal static class ETags
{
    /// <summary>Adds the tag to the answer.</summary>
    public static IResult WithVersion(this HttpContext context, int version, IResult answer)
    {
        context.Response.Headers.ETag = Tag(version);
        return answer;
    }

    /// <summary>True when the caller has this version already.</summary>
    public static bool HasVersion(this HttpRequest request, int version) => request.Headers.IfNoneMatch == Tag(version);

    /// <summary>The version in <c>If-Match</c>, null for <c>*</c>; or the refusal.</summary>
    public static (int? Version, Problem? Refusal) ReadIfMatch(this HttpRequest request)
    {
        var header = request.Headers.IfMatch;
        if (header.Count == 0)
            return (null, new(StatusCodes.Status428PreconditionRequired, "version-required", "The version is missing.",
                "If-Match: it is missing. Send the ETag of what you have read, or * to change whatever is there."));
        var text = header.ToString();
        if (text == "*") return (null, null);
        return text.Length > 2 && text[0] == '"' && text[^1] == '"'
            && int.TryParse(text.AsSpan(1, text.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? (version, null)
            : (null, Problem.Stale($"If-Match: {Shown.Shorten(text)} is not the ETag of a version, such as \"7\". Read it again."));
    }

    private static string Tag(int version) => $"\"{version}\"";
}
