using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core;
using JobPlatform.Core.Handlers;
using Microsoft.AspNetCore.Http;
using Microsoft.OpenApi;

namespace JobPlatform.Web.Api;

/// <summary>A parameter of a query, read and described from one place. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Schema">Its form.</param>
internal abstract record QueryField(string Name, string Description, OpenApiSchema Schema)
{
    private const int LongestText = 300;

    /// <summary>The place where the page before ended, as its <c>next</c> says.</summary>
    public static QueryField<string[]?> Cursor { get; } = new("cursor", "The next of the page before.",
        new() { Type = JsonSchemaType.String }, "a next that this list gave", TryReadCursor);

    /// <summary>The size of a page.</summary>
    public static QueryField<int?> Limit { get; } = Number("limit", "How many at most; 50 when not given.", 1, 200);

    public static QueryField<string?> Text(string name, string description) => new(name, description,
        new() { Type = JsonSchemaType.String, MaxLength = LongestText }, $"a text of 1 to {LongestText} characters", (string text, out string? value) =>
        {
            value = text;
            return text.Length is > 0 and <= LongestText && !text.Contains('\0');
        });

    public static QueryField<int?> Number(string name, string description, int least, int most) => new(name, description,
        new() { Type = JsonSchemaType.Integer, Minimum = $"{least}", Maximum = $"{most}" }, $"a whole number from {least} to {most}", (string text, out int? value) =>
        {
            value = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
            return value >= least && value <= most;
        });

    public static QueryField<bool?> Flag(string name, string description) => new(name, description,
        new() { Type = JsonSchemaType.Boolean }, "true or false", (string text, out bool? value) =>
        {
            value = text == "true";
            return text is "true" or "false";
        });

    public static QueryField<T?> Word<T>(string name, string description) where T : struct, Enum
    {
        var words = Enum.GetValues<T>().ToDictionary(value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));
        return new(name, description,
            new() { Type = JsonSchemaType.String, Enum = [.. words.Keys.Select(word => (JsonNode)JsonValue.Create(word))] },
            $"one of {string.Join(", ", words.Keys)}", (string text, out T? value) =>
            {
                value = words.TryGetValue(text, out var known) ? known : null;
                return value is not null;
            });
    }

    public static QueryField<DateTimeOffset?> Time(string name, string description) => new(name, description,
        new() { Type = JsonSchemaType.String, Format = "date-time" }, Times.Expected, (string text, out DateTimeOffset? value) =>
        {
            value = Times.TryRead(JsonSerializer.SerializeToElement(text), out var time) ? time : null;
            return value is not null;
        });

    public static QueryField<Guid?> Id(string name, string description) => new(name, description,
        new() { Type = JsonSchemaType.String, Format = "uuid" }, "a run's id", (string text, out Guid? value) =>
        {
            value = Guid.TryParseExact(text, "D", out var id) ? id : null;
            return value is not null;
        });

    private static bool TryReadCursor(string text, out string[]? value)
    {
        value = null;
        if (text.Length is 0 or > 1000 || !Base64Url.IsValid(text)) return false;
        value = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split('\n');
        return !value.Any(part => part.Contains('\0'));
    }
}

/// <summary>Reads the text of a parameter.</summary>
internal delegate bool TryReadText<T>(string text, out T value);

/// <inheritdoc cref="QueryField"/>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Schema">Its form.</param>
/// <param name="Expected">What would be right, to stand behind "is not".</param>
/// <param name="TryRead">Reads it.</param>
internal sealed record QueryField<T>(string Name, string Description, OpenApiSchema Schema, string Expected, TryReadText<T> TryRead)
    : QueryField(Name, Description, Schema);

/// <summary>Reads a query and finds all its faults at once.</summary>
internal sealed class QueryReader(HttpRequest request)
{
    private const int DefaultLimit = 50;

    /// <summary>What is wrong so far.</summary>
    public List<ConfigFault> Faults { get; } = [];

    /// <summary>The size of the page.</summary>
    public int Limit => Get(QueryField.Limit) ?? DefaultLimit;

    /// <summary>The value; the default where it is not given, or faulty.</summary>
    public T? Get<T>(QueryField<T> field)
    {
        if (!request.Query.TryGetValue(field.Name, out var values)) return default;
        if (values is [{ } text] && field.TryRead(text, out var value)) return value;
        Faults.Add(new(field.Name, $"'{Shown.Shorten(values.ToString())}' is not {field.Expected}."));
        return default;
    }

    /// <summary>The parts of the cursor, made by a list of the same kind.</summary>
    /// <param name="read">Reads the parts; null for parts that this list does not make.</param>
    public T? GetCursor<T>(Func<string[], T?> read)
    {
        if (Get(QueryField.Cursor) is not { } parts) return default;
        if (read(parts) is { } place) return place;
        Faults.Add(new(QueryField.Cursor.Name, $"it is not {QueryField.Cursor.Expected}. Begin again without it."));
        return default;
    }

    /// <summary>A cursor of these parts.</summary>
    public static string ToCursor(params IEnumerable<object?> parts) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(
        string.Join('\n', parts.Select(part => Convert.ToString(part, CultureInfo.InvariantCulture)))));

    public static IReadOnlyList<ConfigFault> FindUnknown(HttpRequest request, IReadOnlyList<QueryField> known)
    {
        var names = known.Select(field => field.Name).ToList();
        return [.. request.Query.Keys.Where(name => !names.Contains(name)).Take(20).Select(name => new ConfigFault(Shown.Shorten(name), names.Count == 0
            ? "this address takes no parameters."
            : $"there is no such parameter.{Suggestion.For(name, names)} Known: {string.Join(", ", names)}."))];
    }
}

/// <summary>A page of a list.</summary>
/// <param name="Items">What is on it.</param>
/// <param name="Next">The cursor of the next page; null when this is the last one.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next)
{
    /// <summary>The page of a query that was limited.</summary>
    public static IResult Answer(IReadOnlyList<T> items, int limit, Func<T, string> cursor) =>
        ApiJson.Answer(new Page<T>(items, items.Count == limit ? cursor(items[^1]) : null));
}
