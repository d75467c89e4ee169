using System.Text.Json;
using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Administration;

/// <summary>An entry of the audit log as people see it. Immutable.</summary>
public sealed record AuditRecord
{
    /// <summary>The row's key.</summary>
    public long Id { get; init; }

    /// <summary>When it was done.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who did it.</summary>
    public required string Actor { get; init; }

    /// <summary>What: the subject's kind and a verb, such as <c>job.updated</c>.</summary>
    public required string Action { get; init; }

    /// <summary>To what.</summary>
    public string? Subject { get; init; }

    /// <summary>Where from; null for a process of the machine itself.</summary>
    public string? Address { get; init; }

    /// <summary>More about it; of changes <c>before</c> and <c>after</c>.</summary>
    public JsonElement? Details { get; init; }
}

/// <summary>Which entries of the audit log. Immutable.</summary>
public sealed record AuditFilter
{
    /// <summary>Only of this actor.</summary>
    public string? Actor { get; init; }

    /// <summary>Only this action.</summary>
    public string? Action { get; init; }

    /// <summary>Only about this subject.</summary>
    public string? Subject { get; init; }

    /// <summary>Only at this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Only before this time.</summary>
    public DateTimeOffset? To { get; init; }
}

/// <summary>A warning or error of the platform's own. Immutable.</summary>
public sealed record ErrorRecord
{
    /// <summary>The row's key; grows.</summary>
    public long Id { get; init; }

    /// <summary>When it was logged.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary><c>warning</c>, <c>error</c> or <c>critical</c>.</summary>
    public required string Level { get; init; }

    /// <summary>The part of the platform that logged it.</summary>
    public required string Category { get; init; }

    /// <summary>The kind of event; 0 for none.</summary>
    public int EventId { get; init; }

    /// <summary>The kind's name.</summary>
    public string? EventName { get; init; }

    /// <summary>The text.</summary>
    public required string Message { get; init; }

    /// <summary>The exception with its stack.</summary>
    public string? Exception { get; init; }

    /// <summary>The run that it is about.</summary>
    public Guid? RunId { get; init; }

    /// <summary>The process that logged it.</summary>
    public string? Worker { get; init; }
}

/// <summary>Which warnings and errors. Immutable.</summary>
public sealed record ErrorFilter
{
    /// <summary>Only of this level.</summary>
    public string? Level { get; init; }

    /// <summary>Only of this part of the platform.</summary>
    public string? Category { get; init; }

    /// <summary>Only of this kind.</summary>
    public int? EventId { get; init; }
}

/// <summary>Reads <c>admin_logs</c> and <c>error_logs</c>, newest first. Thread-safe.</summary>
public sealed class LogReader(PlatformDatabase database)
{
    /// <summary>Entries of the audit log before a place (time and key of the last entry of the page before).</summary>
    public async Task<IReadOnlyList<AuditRecord>> ListAuditAsync(
        AuditFilter filter, (DateTimeOffset At, long Id)? before, int limit, CancellationToken cancellation = default)
    {
        var conditions = new List<string> { "true" };
        if (filter.Actor is not null) conditions.Add("actor = @Actor");
        if (filter.Action is not null) conditions.Add("action = @Action");
        if (filter.Subject is not null) conditions.Add("subject = @Subject");
        if (filter.From is not null) conditions.Add("created_at >= @From");
        if (filter.To is not null) conditions.Add("created_at < @To");
        if (before is not null) conditions.Add("(created_at, id) < (@at, @id)");
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<AuditRecord>(new CommandDefinition(
            $"""
            SELECT id, created_at, actor, action, subject, host(address) AS address, details FROM jobplatform.admin_logs
             WHERE {string.Join(" AND ", conditions)} ORDER BY created_at DESC, id DESC LIMIT @limit
            """,
            new { filter.Actor, filter.Action, filter.Subject, filter.From, filter.To, at = before?.At, id = before?.Id, limit },
            cancellationToken: cancellation))).AsList();
    }

    /// <summary>Warnings and errors before <paramref name="beforeId"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<ErrorRecord>> ListErrorsAsync(ErrorFilter filter, long? beforeId, int limit, CancellationToken cancellation = default)
    {
        var conditions = new List<string> { "id < @beforeId" };
        if (filter.Level is not null) conditions.Add("level = @Level");
        if (filter.Category is not null) conditions.Add("category = @Category");
        if (filter.EventId is not null) conditions.Add("event_id = @EventId");
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<ErrorRecord>(new CommandDefinition(
            $"""
            SELECT id, created_at, level, category, event_id, event_name, message, exception, run_id, worker FROM jobplatform.error_logs
             WHERE {string.Join(" AND ", conditions)} ORDER BY id DESC LIMIT @limit
            """, new { filter.Level, filter.Category, filter.EventId, beforeId = beforeId ?? long.MaxValue, limit }, cancellationToken: cancellation))).AsList();
    }
}
