namespace JobPlatform.Core.Checks;

/// <summary>One thing that is wrong, or, as a warning, that may be meant. Immutable.</summary>
/// <param name="Severity"><c>fault</c> or <c>warning</c>.</param>
/// <param name="Area">The part that it is about, such as <c>settings</c> or <c>jobs</c>.</param>
/// <param name="Message">A sentence with the remedy, without a secret.</param>
public sealed record Finding(string Severity, string Area, string Message)
{
    /// <summary>Something that does not work.</summary>
    public static Finding Fault(string area, string message) => new("fault", area, message);

    /// <summary>Something that may be meant.</summary>
    public static Finding Warning(string area, string message) => new("warning", area, message);
}
