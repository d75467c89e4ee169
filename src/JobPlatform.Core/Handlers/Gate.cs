using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Handlers;

/// <summary>A handler's condition on the settings, such as <c>LOGS_ENABLED=true</c> or <c>BILLING_MODEL=license|hybrid</c>.</summary>
/// <param name="Setting">The setting's name.</param>
/// <param name="Values">The values that open the gate; case does not matter.</param>
public sealed record Gate(string Setting, IReadOnlyList<string> Values)
{
    /// <summary>Reads <c>NAME=one|other</c>.</summary>
    /// <exception cref="FormatException">The text is of another form.</exception>
    public static Gate Parse(string text)
    {
        var parts = text.Split('=', 2);
        if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0)
            throw new FormatException($"The gate '{text}' is not of the form NAME=value or NAME=one|other.");
        return new(parts[0], parts[1].Split('|'));
    }

    /// <summary>True when the setting has one of the values.</summary>
    public bool IsOpen(IConfiguration settings) =>
        settings[Setting] is { } value && Values.Contains(value.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override string ToString() => $"{Setting}={string.Join('|', Values)}";
}
