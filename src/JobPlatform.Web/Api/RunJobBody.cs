using System.Globalization;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Primitives;

namespace JobPlatform.Web.Api;

/// <summary>Reads the body of <c>POST /api/jobs/run</c> and finds all its faults at once.</summary>
internal static class RunJobBody
{
    private const int LongestIdempotencyKey = 255;
    private static readonly string[] Fields = ["job", "job_id", "triggered_by", "payload", "dedup_key", "run_at", "force"];

    public static (RunRequest Request, IReadOnlyList<ConfigFault> Faults) Read(byte[] json, StringValues idempotencyKey, Actor actor)
    {
        var faults = new List<ConfigFault>();
        var request = new RunRequest
        {
            Trigger = RunTrigger.Api,
            Actor = actor,
            TriggeredBy = actor.Name,
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
            var unusable = StorableJson.FindFaults(json);
            faults.AddRange(unusable);
            return unusable.Count > 0
                ? null
                : JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = StorableJson.DeepestLevel, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            faults.Add(new("", $"The body cannot be read: {e.Message} Send JSON of at most {StorableJson.DeepestLevel} levels, no field twice."));
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
