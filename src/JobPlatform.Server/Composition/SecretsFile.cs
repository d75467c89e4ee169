using System.Text;

namespace JobPlatform.Server.Composition;

/// <summary>
/// <c>secrets.env</c>: lines <c>NAME=value</c>, quotes around the value optional, <c>__</c> in a name for a level as in
/// environment variables. Empty lines and lines that begin with <c>#</c> do not count; of two lines the last one does.
/// </summary>
/// <param name="path">Where it is, or is to be.</param>
internal sealed class SecretsFile(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode AnyOther = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Its path, for messages.</summary>
    public string Path => path;

    /// <summary>The file of the data folder, null when there is no data folder.</summary>
    public static SecretsFile? Find() =>
        DataFolder.Find() is { } folder ? new(System.IO.Path.Combine(folder, "secrets.env")) : null;

    /// <summary>The values by name; empty when there is no file.</summary>
    /// <exception cref="FormatException">A line is of another form; the message names its number, not its text.</exception>
    public Dictionary<string, string?> Read()
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (!File.Exists(path)) return values;
        foreach (var (number, text) in File.ReadLines(path).Index())
        {
            var line = text.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? "" : line[..equals].TrimEnd();
            if (name.Length == 0 || name.Any(char.IsWhiteSpace))
                throw new FormatException($"{path}, line {number + 1}: it is not of the form NAME=value. Correct it, or begin it with #.");
            values[name.Replace("__", ":", StringComparison.Ordinal)] = Unquote(line[(equals + 1)..].TrimStart());
        }
        return values;
    }

    /// <summary>One sentence when others than the owner may read or write the file, otherwise null.</summary>
    public string? FindExposure() =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & AnyOther) != 0
            ? $"{path} holds secrets and others than its owner may read or write it: run 'chmod 600 {path}'."
            : null;

    /// <summary>Adds lines to the file and keeps what is there; a reader sees either the old file or the new one.</summary>
    public void Append(IEnumerable<KeyValuePair<string, string>> entries)
    {
        // Through a link, so that the link stays.
        var target = File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
        var folder = System.IO.Path.GetDirectoryName(target)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);

        var text = new StringBuilder(File.Exists(target) ? File.ReadAllText(target) : "");
        if (text.Length > 0 && text[^1] != '\n') text.Append('\n');
        foreach (var (name, value) in entries) text.Append(name).Append('=').Append(value).Append('\n');

        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        var temporary = $"{target}.{Guid.NewGuid():N}";
        try
        {
            using (var file = new FileStream(temporary, options))
            {
                file.Write(Encoding.UTF8.GetBytes(text.ToString()));
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static string Unquote(string value) =>
        value is ['"' or '\'', .., '"' or '\''] && value[0] == value[^1] && value.Length >= 2 ? value[1..^1] : value;
}
