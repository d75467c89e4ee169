namespace JobPlatform.Web.Api;

/// <summary>Values of the caller in sentences for the caller.</summary>
internal static class Shown
{
    private const int Longest = 60;

    public static string Shorten(string text) => text.Length <= Longest ? text : text[..Longest] + "…";
}
