using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Core.Webhooks;

/// <summary>What became of a change. Immutable.</summary>
public abstract record WebhookAnswer
{
    private WebhookAnswer() { }

    /// <summary>It was made.</summary>
    public sealed record Done(Webhook Webhook) : WebhookAnswer;

    /// <summary>There is none of that key.</summary>
    public sealed record Unknown(string Message) : WebhookAnswer;

    /// <summary>There is one of that key already, or it is at another version than the caller has seen.</summary>
    public sealed record Conflict(string Message) : WebhookAnswer;

    /// <summary>It must not be stored like that.</summary>
    public sealed record Invalid(IReadOnlyList<ConfigFault> Faults) : WebhookAnswer;
}

/// <summary>Reads and changes webhook handlers; every change is checked and audited. Thread-safe.</summary>
public sealed class WebhookHandlerStore(PlatformDatabase database, HandlerCatalog catalog, AddressGuard guard, SecretBox box, AuditLog audit)
{
    /// <summary>Webhooks by key, after <paramref name="afterKey"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<Webhook>> ListAsync(string? afterKey, int limit, CancellationToken cancellation = default)
    {
        var rows = await ListRowsAsync(afterKey, limit, cancellation);
        return [.. rows.Select(row => row.ToWebhook())];
    }

    /// <summary>The webhook, null when there is none of that key.</summary>
    public async Task<Webhook?> FindAsync(string key, CancellationToken cancellation = default) =>
        (await FindRowAsync(key, cancellation))?.ToWebhook();

    /// <summary>As <see cref="ListAsync"/>, with what is wrong with each: rows can be written by hand, code handlers take keys,
    /// and the platform's key changes.</summary>
    public async Task<IReadOnlyList<(Webhook Webhook, IReadOnlyList<string> Faults)>> CheckAsync(string? afterKey, int limit, CancellationToken cancellation = default)
    {
        var rows = await ListRowsAsync(afterKey, limit, cancellation);
        return [.. rows.Select(row => (row.ToWebhook(), (IReadOnlyList<string>)FindFaults(row)))];
    }

    /// <summary>The webhooks whose keys are like the given one, and whether each is enabled: enough to know whether it is
    /// among them, and what may have been meant.</summary>
    public async Task<IReadOnlyDictionary<string, bool>> FindLikeAsync(string key, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string Key, bool IsEnabled)>(new CommandDefinition(
            """
            SELECT key, is_enabled FROM jobplatform.job_handlers
             ORDER BY key = @key DESC, left(key, 3) = left(@key, 3) DESC, key LIMIT 500
            """, new { key }, cancellationToken: cancellation))).ToDictionary(row => row.Key, row => row.IsEnabled, StringComparer.Ordinal);
    }

    /// <summary>Names of jobs that the webhook handles, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<string>> ListJobsAsync(string key, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT name FROM jobplatform.jobs WHERE handler = @key ORDER BY name LIMIT @limit", new { key, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Makes a webhook, of version 1.</summary>
    /// <param name="webhook">What it is to be.</param>
    /// <param name="secrets">Its secrets.</param>
    /// <param name="actor">Who did it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<WebhookAnswer> CreateAsync(WebhookDefinition webhook, WebhookSecrets secrets, Actor actor, CancellationToken cancellation = default)
    {
        if (WebhookFaults.Find(webhook, secrets, null, catalog, guard) is { Count: > 0 } faults) return new WebhookAnswer.Invalid(faults);
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<WebhookRow>(new CommandDefinition(
            $"""
            INSERT INTO jobplatform.job_handlers (key, description, url, method, auth_kind, auth_name, headers, timeout_seconds, is_enabled,
                                                  secret_encrypted, secret_changed_at, signing_secret_encrypted, signing_secret_changed_at)
            VALUES (@Key, @Description, @Url, @Method, @AuthKind, @AuthName, @Headers::jsonb, @TimeoutSeconds, @IsEnabled,
                    @Secret, CASE WHEN @Secret IS NOT NULL THEN now() END, @Signing, CASE WHEN @Signing IS NOT NULL THEN now() END)
            ON CONFLICT (key) DO NOTHING
            RETURNING {WebhookRow.Columns}
            """, Columns(webhook, secrets, null), transaction, cancellationToken: cancellation));
        if (row is null) return new WebhookAnswer.Conflict($"There is a webhook '{webhook.Key}' already. Change that one, or choose another key.");
        return await CommitAsync(transaction, actor, "webhook.created", null, row.ToWebhook(), cancellation);
    }

    /// <summary>Changes a webhook.</summary>
    /// <param name="webhook">What it is to be; its key says which one.</param>
    /// <param name="version">The version that the caller has seen.</param>
    /// <param name="secrets">Secrets to be changed with it. Where the URL leads to another host, the auth's must be among them.</param>
    /// <param name="actor">Who did it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<WebhookAnswer> UpdateAsync(
        WebhookDefinition webhook, int version, WebhookSecrets secrets, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (before, refusal) = await LockAsync(connection, webhook.Key, version, cancellation);
        if (before is null) return refusal!;
        var old = before.ToWebhook();
        if (WebhookFaults.Find(webhook, secrets, old, catalog, guard) is { Count: > 0 } faults) return new WebhookAnswer.Invalid(faults);
        var row = await connection.QuerySingleAsync<WebhookRow>(new CommandDefinition(
            $"""
            UPDATE jobplatform.job_handlers
               SET description = @Description, url = @Url, method = @Method, auth_kind = @AuthKind, auth_name = @AuthName, headers = @Headers::jsonb,
                   timeout_seconds = @TimeoutSeconds, is_enabled = @IsEnabled, version = version + 1, updated_at = now(),
                   secret_encrypted = @Secret,
                   secret_changed_at = CASE WHEN @Secret IS NULL THEN NULL WHEN @Secret IS DISTINCT FROM secret_encrypted THEN now() ELSE secret_changed_at END,
                   signing_secret_encrypted = @Signing,
                   signing_secret_changed_at = CASE WHEN @Signing IS NULL THEN NULL
                                                    WHEN @Signing IS DISTINCT FROM signing_secret_encrypted THEN now() ELSE signing_secret_changed_at END
             WHERE key = @Key
            RETURNING {WebhookRow.Columns}
            """, Columns(webhook, secrets, before), transaction, cancellationToken: cancellation));
        return await CommitAsync(transaction, actor, "webhook.updated", old, row.ToWebhook(), cancellation);
    }

    /// <summary>Deletes a webhook with its secrets. Jobs that name it stay; their runs fail and say so.</summary>
    /// <param name="key">Which one.</param>
    /// <param name="version">The version that the caller has seen.</param>
    /// <param name="actor">Who did it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<WebhookAnswer> DeleteAsync(string key, int version, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (before, refusal) = await LockAsync(connection, key, version, cancellation);
        if (before is null) return refusal!;
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM jobplatform.job_handlers WHERE key = @key", new { key }, transaction, cancellationToken: cancellation));
        return await CommitAsync(transaction, actor, "webhook.deleted", before.ToWebhook(), null, cancellation);
    }

    /// <summary>The sentence for a key that neither a webhook nor a code handler has.</summary>
    public async Task<string> DescribeUnknownAsync(string key, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var deletion = await connection.QuerySingleOrDefaultAsync<(DateTimeOffset At, string Actor)?>(new CommandDefinition(
            "SELECT created_at, actor FROM jobplatform.admin_logs WHERE action = 'webhook.deleted' AND subject = @key ORDER BY id DESC LIMIT 1",
            new { key }, cancellationToken: cancellation));
        return deletion is { } deleted
            ? $"The webhook '{key}' was deleted at {TimeText.At(deleted.At)} UTC by {deleted.Actor}. Make it again, or give the job another handler."
            : catalog.DescribeUnknown(key, (await FindLikeAsync(key, cancellation)).Keys);
    }

    /// <summary>With its sealed secrets, null when there is none of that key.</summary>
    internal async Task<WebhookRow?> FindRowAsync(string key, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<WebhookRow>(new CommandDefinition(
            $"SELECT {WebhookRow.Columns} FROM jobplatform.job_handlers WHERE key = @key", new { key }, cancellationToken: cancellation));
    }

    /// <summary>The secrets in the plain.</summary>
    /// <exception cref="SecretBoxException">One does not open; the message says what to do.</exception>
    internal (string? Auth, string? Signing) Open(WebhookRow row)
    {
        var webhook = row.ToWebhook();
        try
        {
            return (row.SecretEncrypted is { } auth ? box.Open(AuthPurpose(webhook), auth) : null,
                row.SigningSecretEncrypted is { } signing ? box.Open(SigningPurpose(webhook), signing) : null);
        }
        catch (SecretBoxException)
        {
            throw new SecretBoxException(
                "its stored secret does not open. Either JOBS_SECRET_KEY is another one than when it was stored (set that one as JOBS_SECRET_KEY_PREVIOUS), " +
                $"or its URL was changed by SQL. Or give the secret anew: jobplatform webhooks set-secret {row.Key}");
        }
    }

    /// <summary>Why a webhook cannot be called as it is stored.</summary>
    internal List<string> FindFaults(WebhookRow row)
    {
        var webhook = row.ToWebhook();
        var faults = WebhookFaults.Find(webhook, WebhookSecrets.Unchanged, webhook, catalog, guard).ConvertAll(fault => fault.ToString());
        try
        {
            Open(row);
        }
        catch (SecretBoxException e)
        {
            faults.Add(e.Message);
        }
        return faults;
    }

    private async Task<List<WebhookRow>> ListRowsAsync(string? afterKey, int limit, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<WebhookRow>(new CommandDefinition(
            $"SELECT {WebhookRow.Columns} FROM jobplatform.job_handlers WHERE @afterKey IS NULL OR key > @afterKey ORDER BY key LIMIT @limit",
            new { afterKey, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Under what the auth's secret is sealed: it opens only for the host that it was given for.</summary>
    private static string AuthPurpose(WebhookDefinition webhook) => $"job_handlers:{webhook.Key}:{WebhookFaults.OriginOf(webhook)}";

    /// <summary>Under what the signing secret is sealed.</summary>
    private static string SigningPurpose(WebhookDefinition webhook) => $"job_handlers:{webhook.Key}:signing";

    private static async Task<(WebhookRow? Row, WebhookAnswer? Refusal)> LockAsync(
        NpgsqlConnection connection, string key, int version, CancellationToken cancellation)
    {
        var row = await connection.QuerySingleOrDefaultAsync<WebhookRow>(new CommandDefinition(
            $"SELECT {WebhookRow.Columns} FROM jobplatform.job_handlers WHERE key = @key FOR UPDATE", new { key }, cancellationToken: cancellation));
        if (row is null) return (null, new WebhookAnswer.Unknown($"There is no webhook '{key}'. 'jobplatform webhooks list' shows them all."));
        return row.Version == version ? (row, null)
            : (null, new WebhookAnswer.Conflict($"The webhook '{key}' is at version {row.Version}, not {version}: somebody changed it meanwhile. Read it again."));
    }

    private object Columns(WebhookDefinition webhook, WebhookSecrets secrets, WebhookRow? before) => new
    {
        webhook.Key,
        webhook.Description,
        webhook.Url,
        webhook.Method,
        AuthKind = webhook.Auth.ToWord(),
        AuthName = webhook.AuthName ?? (webhook.Auth == WebhookAuth.ApiKey ? "X-API-Key" : null),
        Headers = JsonSerializer.Serialize(webhook.Headers, PlatformJson.Options),
        webhook.TimeoutSeconds,
        webhook.IsEnabled,
        Secret = webhook.Auth == WebhookAuth.None ? null
            : secrets.Auth is { } secret ? box.Seal(AuthPurpose(webhook), secret) : before?.SecretEncrypted,
        Signing = secrets.Signing is { } signing
            ? signing.Length > 0 ? box.Seal(SigningPurpose(webhook), signing) : null
            : before?.SigningSecretEncrypted,
    };

    private async Task<WebhookAnswer> CommitAsync(
        NpgsqlTransaction transaction, Actor actor, string action, Webhook? before, Webhook? after, CancellationToken cancellation)
    {
        await audit.AppendAsync(transaction.Connection!, new(actor, action, (after ?? before)!.Key) { Details = AuditEntry.Change(before, after) }, cancellation);
        await transaction.CommitAsync(cancellation);
        return new WebhookAnswer.Done((after ?? before)!);
    }
}
