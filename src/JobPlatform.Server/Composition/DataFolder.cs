namespace JobPlatform.Server.Composition;

/// <summary>The folder of what an installation keeps outside the database: <c>secrets.env</c>.</summary>
internal static class DataFolder
{
    public const string Setting = "JOBPLATFORM_DATA";

    /// <summary>
    /// The folder that <c>JOBPLATFORM_DATA</c> names, also when it is not there yet; otherwise <c>.data</c> in the
    /// current directory or, inside a repository, in a parent up to its root. Null when there is none.
    /// </summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Setting) is { Length: > 0 } named) return Path.GetFullPath(named);
        var current = Environment.CurrentDirectory;
        // Not above the repository: somebody else could place a .data in a parent such as /tmp.
        var root = Ancestry(current).FirstOrDefault(folder => Path.Exists(Path.Combine(folder, ".git"))) ?? current;
        return Ancestry(current).TakeWhile(folder => folder.Length >= root.Length)
            .Select(folder => Path.Combine(folder, ".data")).FirstOrDefault(Directory.Exists);
    }

    private static IEnumerable<string> Ancestry(string folder)
    {
        for (string? at = folder; at is not null; at = Path.GetDirectoryName(at)) yield return at;
    }
}
