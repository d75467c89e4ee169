using System.Globalization;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Primitives;

namespace JobPlatform.Web.Api;

/// <summary>Reads what a run is asked for with, and finds all its faults at once.</summary>
internal static class RunJobBody
{
    private const int LongestIdempotencyKey = 255;
    private const int JobFields = 2;
    private static readonly string[] Fields = ["job", "job_id", "triggered_by", "payload", "dedup_key", "run_at", "force"];

    /// <param name="body">The body, an object.</param>
    /// <param name="job">The job that the address names; null where the body names it.</param>
    /// <param name="idempotencyKey">The header.</param>
    /// <param name="actor">Who asks.</param>
    public static (RunRequest Request, IReadOnlyList<ConfigFault> Faults) Read(JsonElement body, string? job, StringValues idempotencyKey, Actor actor)
    {
        var faults = new List<ConfigFault>();
        var request = new RunRequest
        {
            JobName = job,
            Trigger = RunTrigger.Api,
            Actor = actor,
            TriggeredBy = actor.Name,
            IdempotencyKey = ReadIdempotencyKey(idempotencyKey, faults),
        };
        var fields = job is null ? Fields : Fields[JobFields..];
        foreach (var (name, value) in body.EnumerateObject().Select(property => (property.Name, property.Value)))
        {
            if (!fields.Contains(name))
            {
                faults.Add(new(Shown.Shorten(name), $"there is no such field.{Suggestion.For(name, fields)} Known: {string.Join(", ", fields)}."));
                continue;
            }
            if (value.ValueKind == JsonValueKind.Null) continue;
            request = name switch
            {
                "job" => request with { JobName = ReadText(name, value, 100, faults) },
                "job_id" => request with { JobId = ReadId(name, value, faults) },
                "triggered_by" => request with { TriggeredBy = ReadText(name, value, 200, faults) },
                "payload" => request with { Payload = ReadObject(name, value, faults) },
                "dedup_key" => request with { DedupKey = ReadText(name, value, 200, faults) },
                "run_at" => request with { RunAt = ReadTime(name, value, faults) },
                _ => request with { Force = ReadFlag(name, value, faults) },
            };
        }
        if (job is null && IsGiven(body, "job") == IsGiven(body, "job_id"))
            faults.Add(IsGiven(body, "job")
                ? new("job_id", "it is given beside job. Give one of the two.")
                : new("job", "it is missing. Give the job's name as job, or its number as job_id."));
        return (request, faults);
    }

    private static bool IsGiven(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

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

    private static DateTimeOffset? ReadTime(string field, JsonElement value, List<ConfigFault> faults)
    {
        if (Times.TryRead(value, out var time)) return time;
        faults.Add(new(field, $"{Show(value)} is not {Times.Expected}."));
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
