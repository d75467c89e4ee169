namespace JobPlatform.Web.Admin.Search;

/// <summary>The address of a page of a list.</summary>
internal static class ListAddress
{
    /// <param name="path">The list.</param>
    /// <param name="search">What was typed; null or empty for nothing.</param>
    /// <param name="cursor">Where the page begins; null for the first.</param>
    public static string Of(string path, string? search, string? cursor)
    {
        string?[] parts = [string.IsNullOrEmpty(search) ? null : $"q={Uri.EscapeDataString(search)}", cursor is null ? null : $"cursor={cursor}"];
        return string.Join('?', new[] { path, string.Join('&', parts.OfType<string>()) }.Where(part => part.Length > 0));
    }
}
