using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Assets;

/// <summary>
/// Styles, scripts and the icon of the admin pages, as files of this assembly. Their address holds a digest of all of
/// them, so that browsers may keep them for ever and never mix two versions.
/// </summary>
internal static class AdminAssets
{
    private static readonly FrozenDictionary<string, byte[]> Files = Read();
    private static readonly string Digest = Hash();

    /// <summary>The address of a file.</summary>
    /// <exception cref="KeyNotFoundException">There is no such file.</exception>
    public static string Address(string file) =>
        Files.ContainsKey(file) ? $"/admin/assets/{Digest}/{file}" : throw new KeyNotFoundException($"'{file}' is no file of Admin/Assets.");

    public static void MapAssets(this IEndpointRouteBuilder admin) =>
        admin.MapGet("/assets/{digest}/{file}", Send).RequireAccess(Access.Anyone);

    private static IResult Send(string digest, string file, HttpContext context)
    {
        if (!Files.TryGetValue(file, out var bytes)) return Problem.OfStatus(context.Request, StatusCodes.Status404NotFound);
        // A page of another version still gets a file, but does not keep it.
        context.Response.Headers.CacheControl = digest == Digest ? "public, max-age=31536000, immutable" : "no-store";
        return Results.Bytes(bytes, Path.GetExtension(file) switch
        {
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        });
    }

    private static FrozenDictionary<string, byte[]> Read()
    {
        const string prefix = "admin/";
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToFrozenDictionary(name => name[prefix.Length..], name =>
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    private static string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Files.OrderBy(file => file.Key, StringComparer.Ordinal)) hash.AppendData(file.Value);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }
}
