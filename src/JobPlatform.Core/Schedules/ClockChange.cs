namespace JobPlatform.Core.Schedules;

/// <summary>How a due time stands to a change of its zone's clock.</summary>
public enum ClockChange
{
    /// <summary>The clock shows what the expression asks for, once.</summary>
    None,

    /// <summary>The clock skips what the expression asks for: due at the end of the gap.</summary>
    Gap,

    /// <summary>The clock shows this time twice; this is the first.</summary>
    FirstPass,

    /// <summary>The clock shows this time twice; this is the second.</summary>
    SecondPass,
}
