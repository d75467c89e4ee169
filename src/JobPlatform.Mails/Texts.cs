using System.Globalization;
using System.Resources;
using JobPlatform.Core.Settings;

namespace JobPlatform.Mails;

/// <summary>The texts of one language, with dates, numbers, money and plurals as its culture writes them. Immutable, thread-safe.</summary>
public sealed class Texts
{
    internal static ResourceManager Resources { get; } = new("JobPlatform.Mails.Resources.Texts", typeof(Texts).Assembly);

    private readonly CultureInfo _culture;

    private Texts(CultureInfo culture) => _culture = culture;

    /// <summary>The language, such as <c>de</c>.</summary>
    public string Language => _culture.TwoLetterISOLanguageName;

    /// <summary>The first locale that texts exist for: of the payload, of the owner's profile, the default; English where none does.</summary>
    /// <param name="locales">In the order of their weight; null and unknown ones are passed over. A region (<c>de-AT</c>) decides how dates and numbers look.</param>
    public static Texts For(params ReadOnlySpan<string?> locales)
    {
        foreach (var locale in locales)
        {
            var name = locale?.Trim().Replace('_', '-');
            if (string.IsNullOrEmpty(name) || !MailSettings.Languages.Contains(name.Split('-')[0], StringComparer.OrdinalIgnoreCase)) continue;
            try
            {
                return new(CultureInfo.GetCultureInfo(name, predefinedOnly: true));
            }
            catch (CultureNotFoundException)
            {
                return new(CultureInfo.GetCultureInfo(name.Split('-')[0].ToLowerInvariant()));
            }
        }
        return new(CultureInfo.GetCultureInfo("en"));
    }

    /// <summary>The text of a key, with its places filled.</summary>
    /// <exception cref="MissingManifestResourceException">There is no such text.</exception>
    public string this[string key, params object?[] values] =>
        string.Format(_culture, Resources.GetString(key, _culture) ?? throw new MissingManifestResourceException($"There is no text '{key}' in '{_culture.Name}'."), values);

    /// <summary>The text of <c>key.one</c> or <c>key.other</c>, as the language counts; the number is its first place.</summary>
    public string Count(string key, long number, params object?[] values) =>
        this[$"{key}.{(IsOne(number) ? "one" : "other")}", [Number(number), .. values]];

    /// <summary>A day in words, in UTC.</summary>
    public string Day(DateTimeOffset time) => time.UtcDateTime.ToString("D", _culture);

    /// <summary>A whole number, with the culture's separators.</summary>
    public string Number(long number) => number.ToString("N0", _culture);

    /// <summary>An amount of the currency's minor unit as people write it.</summary>
    /// <param name="minor">Cents, yen …; fractions are rounded half away from zero.</param>
    /// <param name="currency">Three letters.</param>
    public string Money(decimal minor, string currency)
    {
        var decimals = Currencies.DecimalsOf(currency);
        var format = (NumberFormatInfo)_culture.NumberFormat.Clone();
        format.CurrencySymbol = Currencies.SymbolOf(currency);
        format.CurrencyDecimalDigits = decimals;
        // A code such as CHF or a symbol before the number: a code needs a space, a symbol stands as the culture has it.
        if (format.CurrencySymbol.Length > 1 && format.CurrencyPositivePattern is 0 or 1) format.CurrencyPositivePattern += 2;
        return Math.Round(Currencies.ToMajor(minor, currency), decimals, MidpointRounding.AwayFromZero).ToString("C", format);
    }

    // French takes the singular also for nothing.
    private bool IsOne(long number) => Language == "fr" ? number is 0 or 1 : number == 1;
}
