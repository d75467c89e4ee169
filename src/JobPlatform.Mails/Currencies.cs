using System.Collections.Frozen;

namespace JobPlatform.Mails;

/// <summary>What is known of currencies: how many decimals their minor unit has, as Stripe counts them, and their sign.</summary>
public static class Currencies
{
    private static readonly FrozenSet<string> WithoutMinorUnit =
        new[] { "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf" }.ToFrozenSet();

    private static readonly FrozenSet<string> WithThousandths = new[] { "bhd", "jod", "kwd", "omr", "tnd" }.ToFrozenSet();

    // No one writes parts of them any more, though Stripe still counts in hundredths.
    private static readonly FrozenSet<string> ShownWhole = new[] { "isk", "ugx" }.ToFrozenSet();

    private static readonly FrozenDictionary<string, string> Symbols =
        new Dictionary<string, string> { ["eur"] = "€", ["usd"] = "$", ["gbp"] = "£", ["jpy"] = "¥" }.ToFrozenDictionary();

    /// <summary>How many decimals an amount is shown with.</summary>
    public static int DecimalsOf(string currency) => ShownWhole.Contains(Name(currency)) ? 0 : MinorDecimals(Name(currency));

    /// <summary>An amount in the currency itself.</summary>
    public static decimal ToMajor(decimal minor, string currency) => MinorDecimals(Name(currency)) switch { 0 => minor, 3 => minor / 1000m, _ => minor / 100m };

    /// <summary>Its sign where it has one of its own, else its three letters.</summary>
    public static string SymbolOf(string currency) => Symbols.GetValueOrDefault(Name(currency)) ?? currency.ToUpperInvariant();

    private static int MinorDecimals(string name) => WithoutMinorUnit.Contains(name) ? 0 : WithThousandths.Contains(name) ? 3 : 2;

    private static string Name(string currency) => currency.ToLowerInvariant();
}
