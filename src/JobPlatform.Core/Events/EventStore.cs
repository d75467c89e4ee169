using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Telemetry;
using Npgsql;

namespace JobPlatform.Core.Events;

/// <summary>What became of an event, as a value.</summary>
public abstract record EventAnswer
{
    private EventAnswer() { }

    /// <summary>It was taken, now or before.</summary>
    /// <param name="RunIds">The runs, one for each enabled job that subscribes; there may be none.</param>
    /// <param name="IsRepeated">It was told before under the same id: nothing was done, and these are the runs of then.</param>
    public sealed record Accepted(IReadOnlyList<Guid> RunIds, bool IsRepeated) : EventAnswer;

    /// <summary>Its type is unknown or its payload does not fit; nothing was done.</summary>
    /// <param name="Message">What is wrong, field by field.</param>
    /// <param name="Hint">What is known: the types, or the type's fields.</param>
    public sealed record Refused(string Message, string Hint) : EventAnswer
    {
        /// <summary>What is refused: <c>type</c>, <c>payload</c> or <c>event_id</c>, with which the message begins.</summary>
        public string Field => Message[..Math.Max(0, Message.IndexOf(':', StringComparison.Ordinal))];
    }
}

/// <summary>Takes events from outside the database; within it, <c>jobplatform.emit_event</c> does. Thread-safe.</summary>
public sealed class EventStore(PlatformDatabase database, AuditLog audit)
{
    private const int LongestId = 200;

    /// <summary>Emits an event: the runs that it causes are committed when this returns.</summary>
    /// <param name="type">The type's name.</param>
    /// <param name="payload">A JSON object that fits the type's schema.</param>
    /// <param name="eventId">The sender's own id, 1 to 200 characters: told again, it does nothing. Null for none.</param>
    /// <param name="actor">Who tells it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the event may have been taken.</param>
    public async Task<EventAnswer> EmitAsync(string type, JsonElement payload, string? eventId, Actor actor, CancellationToken cancellation = default)
    {
        if (eventId is { Length: 0 or > LongestId })
            return new EventAnswer.Refused($"event_id: it has {eventId.Length} characters.", $"Give 1 to {LongestId}, or none.");
        if (FindFault(payload) is { } fault) return new EventAnswer.Refused($"payload: {fault}", "It must be JSON that the database can store.");
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        try
        {
            var runs = await connection.ExecuteScalarAsync<Guid[]>(new CommandDefinition(
                // Its runs belong to the trace of who tells it: a new row of job_runs takes it from the setting.
                "SELECT jobplatform.emit_event(@type, @payload, @eventId) FROM set_config('jobplatform.traceparent', @traceparent, true)",
                new { type, payload, eventId, traceparent = RunTrace.Current ?? "" }, transaction, cancellationToken: cancellation));
            // The row that bears the id is of this transaction, or of an earlier one.
            if (eventId is not null && await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                    "SELECT xmin <> pg_current_xact_id()::xid FROM jobplatform.events WHERE event_id = @eventId", new { eventId }, transaction, cancellationToken: cancellation)))
                return new EventAnswer.Accepted(runs!, IsRepeated: true);
            // The payload stands in the event's row.
            await audit.AppendAsync(connection, new(actor, "event.emitted", type) { Details = new { EventId = eventId, RunIds = runs } }, cancellation);
            await transaction.CommitAsync(cancellation);
            return new EventAnswer.Accepted(runs!, IsRepeated: false);
        }
        // The one judge of events is the function: what it refuses has this class and says why.
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            return new EventAnswer.Refused(e.MessageText, e.Hint ?? "");
        }
    }

    private static string? FindFault(JsonElement payload)
    {
        try
        {
            var faults = StorableJson.FindFaults(System.Text.Encoding.UTF8.GetBytes(payload.GetRawText()));
            return faults.Count == 0 ? null : string.Join(' ', faults);
        }
        catch (JsonException)
        {
            return $"it is nested deeper than {StorableJson.DeepestLevel} levels.";
        }
    }
}
