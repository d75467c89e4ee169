using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Core.Administration;

/// <summary>One thing that was done or tried. Immutable.</summary>
/// <param name="Actor">Who.</param>
/// <param name="Action">What: the subject's kind and a verb, such as <c>job.enabled</c>.</param>
/// <param name="Subject">To what: a job's name, a run's id, an e-mail address …; null where there is none.</param>
public sealed record AuditEntry(Actor Actor, string Action, string? Subject)
{
    /// <summary>More about it, written as a JSON object; null for nothing. Secrets in it are masked.</summary>
    public object? Details { get; init; }

    /// <summary>Details of a change: <c>before</c> and <c>after</c>, each with the members that differ.</summary>
    /// <param name="before">What it was; null for something new.</param>
    /// <param name="after">What it became; null for something deleted.</param>
    public static object Change(object? before, object? after)
    {
        var (old, @new) = (ToObject(before), ToObject(after));
        if (old is not null && @new is not null)
            foreach (var name in old.Select(member => member.Key).Where(@new.ContainsKey).ToList())
                if (JsonNode.DeepEquals(old[name], @new[name]))
                {
                    old.Remove(name);
                    @new.Remove(name);
                }
        return new { Before = old, After = @new };
    }

    private static JsonObject? ToObject(object? value) => JsonSerializer.SerializeToNode(value, PlatformJson.DeepOptions)?.AsObject();
}

/// <summary>
/// Writes <c>admin_logs</c>, which the service may append to and nothing else. An entry is written in the transaction
/// of what it tells about, so that neither is there without the other. Thread-safe.
/// </summary>
public sealed class AuditLog(PlatformDatabase database, SecretRedactor redactor)
{
    private const int LongestSubject = 300;

    /// <summary>Appends within the connection's transaction.</summary>
    public Task AppendAsync(NpgsqlConnection connection, AuditEntry entry, CancellationToken cancellation = default) =>
        connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO jobplatform.admin_logs (actor, action, subject, address, details)
            VALUES (@Name, @Action, @subject, @address::inet, @details::jsonb)
            """,
            new
            {
                entry.Actor.Name,
                entry.Action,
                subject = entry.Subject is { } subject ? StorableText.Clean(redactor.Redact(subject), LongestSubject) : null,
                address = entry.Actor.Address?.ToString(),
                details = entry.Details is { } details ? Write(details) : null,
            }, cancellationToken: cancellation));

    /// <summary>Appends what stands for itself, such as a sign-in that failed.</summary>
    public async Task AppendAsync(AuditEntry entry, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await AppendAsync(connection, entry, cancellation);
    }

    private string Write(object details) =>
        redactor.RedactJson(SecretNames.Mask(JsonSerializer.SerializeToNode(details, PlatformJson.DeepOptions))!.ToJsonString(PlatformJson.DeepOptions));
}
