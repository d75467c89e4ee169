using System.Globalization;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Primitives;

namespace JobPlatform.Web.Api;

/// <summary>Reads the body of <c>POST /api/jobs/run</c> and finds all its faults at once.</summary>
internal static class RunJobBody
{
    private const int DeepestLevel = 32;
    private const int LongestIdempotencyKey = 255;
    private const int LongestNumber = 64;
    private const int LargestExponent = 324;
    private static readonly string[] Fields = ["job", "job_id", "triggered_by", "payload", "dedup_key", "run_at", "force"];

    public static (RunRequest Request, IReadOnlyList<ConfigFault> Faults) Read(byte[] json, StringValues idempotencyKey)
    {
        var faults = new List<ConfigFault>();
        var request = new RunRequest
        {
            Trigger = RunTrigger.Api,
            TriggeredBy = "api",
            IdempotencyKey = ReadIdempotencyKey(idempotencyKey, faults),
        };
        if (Parse(json, faults) is not { } body) return (request, faults);
        if (body.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new("", $"{Show(body)} is not an object such as {{\"job\": \"purge-logs\"}}."));
            return (request, faults);
        }

        foreach (var (name, value) in body.EnumerateObject().Select(property => (property.Name, property.Value)))
        {
            if (!Fields.Contains(name))
                faults.Add(new(Shown.Shorten(name), $"there is no such field.{Suggestion.For(name, Fields)} Known: {string.Join(", ", Fields)}."));
            if (value.ValueKind == JsonValueKind.Null) continue;
            request = name switch
            {
                "job" => request with { JobName = ReadText(name, value, 100, faults) },
                "job_id" => request with { JobId = ReadId(name, value, faults) },
                "triggered_by" => request with { TriggeredBy = ReadText(name, value, 200, faults) },
                "payload" => request with { Payload = ReadObject(name, value, faults) },
                "dedup_key" => request with { DedupKey = ReadText(name, value, 200, faults) },
                "run_at" => request with { RunAt = ReadTime(name, value, faults) },
                "force" => request with { Force = ReadFlag(name, value, faults) },
                _ => request,
            };
        }
        if (IsGiven(body, "job") == IsGiven(body, "job_id"))
            faults.Add(IsGiven(body, "job")
                ? new("job_id", "it is given beside job. Give one of the two.")
                : new("job", "it is missing. Give the job's name as job, or its number as job_id."));
        return (request, faults);
    }

    private static bool IsGiven(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private static JsonElement? Parse(byte[] json, List<ConfigFault> faults)
    {
        if (json.Length == 0)
        {
            faults.Add(new("", "The body is empty. Send a JSON object such as {\"job\": \"purge-logs\"}."));
            return null;
        }
        try
        {
            var unusable = FindUnusableValues(json);
            faults.AddRange(unusable);
            return unusable.Count > 0
                ? null
                : JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = DeepestLevel, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            faults.Add(new("", $"The body cannot be read: {e.Message} Send JSON of at most {DeepestLevel} levels, no field twice."));
            return null;
        }
    }

    // What is JSON by its grammar but no text or number that PostgreSQL and .NET can hold.
    private static List<ConfigFault> FindUnusableValues(byte[] json)
    {
        var faults = new List<ConfigFault>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestLevel });
        var field = "";
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
            {
                var text = TryGetText(ref reader);
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1) field = Shown.Shorten(text ?? "");
                if (text is null)
                    faults.Add(new(field, "it holds a text that is not Unicode: bytes that are not UTF-8, or half a surrogate pair. Send whole characters."));
                else if (text.Contains('\0'))
                    faults.Add(new(field, "the character U+0000 cannot be stored; leave it out."));
            }
            else if (reader.TokenType == JsonTokenType.Number && !IsStorable(ref reader))
            {
                faults.Add(new(field, $"it holds a number of more than {LongestNumber} characters or beyond 1.8e308. Send such a number as a text."));
            }
        }
        return faults;
    }

    // PostgreSQL writes out every place of a number: a short one with a great exponent would fill megabytes or fail.
    private static bool IsStorable(ref Utf8JsonReader reader)
    {
        var text = reader.ValueSpan;
        if (text.Length > LongestNumber || !reader.TryGetDouble(out var number) || !double.IsFinite(number)) return false;
        var mark = text.IndexOfAny((byte)'e', (byte)'E');
        return mark < 0 || (int.TryParse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
            && exponent is >= -LargestExponent and <= LargestExponent);
    }

    private static string? TryGetText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string? ReadIdempotencyKey(StringValues header, List<ConfigFault> faults)
    {
        if (header.Count == 0) return null;
        var key = header.ToString();
        if (header.Count == 1 && key.Length is > 0 and <= LongestIdempotencyKey && key.All(c => c is >= ' ' and <= '~')) return key;
        faults.Add(new("Idempotency-Key",
            $"'{Shown.Shorten(key)}' is not one text of 1 to {LongestIdempotencyKey} printable ASCII characters, such as a UUID."));
        return null;
    }

    private static string? ReadText(string field, JsonElement value, int longest, List<ConfigFault> faults)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text && text.Length <= longest) return text;
        faults.Add(new(field, $"{Show(value)} is not a text of 1 to {longest} characters."));
        return null;
    }

    private static long? ReadId(string field, JsonElement value, List<ConfigFault> faults)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)) return number;
        if (value.ValueKind == JsonValueKind.String && long.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out number))
            return number;
        faults.Add(new(field, $"{Show(value)} is not a job's number, such as 12. A job's name goes into job."));
        return null;
    }

    private static JsonElement? ReadObject(string field, JsonElement value, List<ConfigFault> faults)
    {
        if (value.ValueKind == JsonValueKind.Object) return value;
        faults.Add(new(field, $"{Show(value)} is not an object such as {{\"days_to_keep\": 7}}."));
        return null;
    }

    // The years shut out PostgreSQL's infinities, which the ends of .NET's calendar become, and most slips of the pen.
    private static DateTimeOffset? ReadTime(string field, JsonElement value, List<ConfigFault> faults)
    {
        if (value.ValueKind == JsonValueKind.String
            && value.TryGetDateTime(out var withKind) && withKind.Kind != DateTimeKind.Unspecified
            && value.TryGetDateTimeOffset(out var time) && time.Year is >= 2000 and < 2200) return time;
        faults.Add(new(field, $"{Show(value)} is not a time with its offset, such as 2026-01-31T08:00:00Z, of the years 2000 to 2199."));
        return null;
    }

    private static bool ReadFlag(string field, JsonElement value, List<ConfigFault> faults)
    {
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        faults.Add(new(field, $"{Show(value)} is not true or false."));
        return false;
    }

    private static string Show(JsonElement value) => Shown.Shorten(value.GetRawText());
}
