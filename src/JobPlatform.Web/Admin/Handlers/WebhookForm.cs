using System.Globalization;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Webhooks;
using JobPlatform.Web.Admin.JobForms;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Admin.Handlers;

/// <summary>A webhook as somebody types it: each field a text, right or wrong. Its secrets go in and never come out.</summary>
public sealed class WebhookForm : IFormText
{
    private static readonly string[] Fields = ["key", "description", "url", "method", "auth", "auth_name", "headers", "timeout_seconds", "is_enabled"];

    private readonly Dictionary<string, string> _values = [];

    private WebhookForm() { }

    /// <inheritdoc/>
    public string this[string field] => _values.GetValueOrDefault(field, "");

    /// <summary>What was typed of the secrets; an empty field keeps the stored one.</summary>
    internal WebhookSecrets Secrets { get; private init; } = WebhookSecrets.Unchanged;

    /// <summary>The form of a webhook that is there, or of one that is to be made.</summary>
    public static WebhookForm Of(WebhookDefinition webhook)
    {
        var form = new WebhookForm();
        string[] values =
        [
            webhook.Key, webhook.Description, webhook.Url, webhook.Method, webhook.Auth.ToWord(), webhook.AuthName ?? "",
            string.Join('\n', webhook.Headers.Select(header => $"{header.Key}: {header.Value}")),
            webhook.TimeoutSeconds.ToString(CultureInfo.InvariantCulture), webhook.IsEnabled ? "true" : "",
        ];
        foreach (var (field, value) in Fields.Zip(values)) form._values[field] = value;
        return form;
    }

    /// <summary>The form as it was posted.</summary>
    public static WebhookForm Of(IFormCollection posted)
    {
        var form = new WebhookForm
        {
            Secrets = new()
            {
                Auth = posted["secret"].ToString() is { Length: > 0 } secret ? secret : null,
                Signing = posted["remove_signing"] == "true" ? "" : posted["signing_secret"].ToString() is { Length: > 0 } signing ? signing : null,
            },
        };
        foreach (var field in Fields) form._values[field] = posted[field].ToString().Trim();
        return form;
    }

    /// <summary>What it is to be, without what only the store can judge; or why it cannot be read.</summary>
    /// <param name="key">The key of the one that is changed; null for a new one.</param>
    internal (WebhookDefinition Webhook, IReadOnlyList<ConfigFault> Faults) Read(string? key)
    {
        var faults = new List<ConfigFault>();
        var auth = Enum.GetValues<WebhookAuth>().Where(kind => kind.ToWord() == this["auth"]).Cast<WebhookAuth?>().FirstOrDefault();
        if (auth is null) faults.Add(new("auth", $"choose one of {string.Join(", ", Enum.GetValues<WebhookAuth>().Select(kind => kind.ToWord()))}."));
        if (!int.TryParse(this["timeout_seconds"], NumberStyles.None, CultureInfo.InvariantCulture, out var timeout)) faults.Add(new("timeout_seconds", "it is not a whole number of seconds from 1 to 3600."));
        var webhook = new WebhookDefinition
        {
            Key = key ?? this["key"],
            Description = this["description"],
            Url = this["url"],
            Method = this["method"],
            Auth = auth ?? WebhookAuth.None,
            AuthName = this["auth_name"].Length > 0 ? this["auth_name"] : null,
            Headers = ReadHeaders(faults),
            TimeoutSeconds = timeout,
            IsEnabled = this["is_enabled"] == "true",
        };
        return (webhook, faults);
    }

    private Dictionary<string, string> ReadHeaders(List<ConfigFault> faults)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in this["headers"].Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // The value is not repeated in a fault: it may be a secret that belongs elsewhere.
            if (line.Split(':', 2, StringSplitOptions.TrimEntries) is not [{ Length: > 0 } name, var value]) faults.Add(new("headers", "a line is not of the form Name: value."));
            else if (!headers.TryAdd(name, value)) faults.Add(new("headers", $"'{name}' stands there twice. Leave one out."));
        }
        return headers;
    }
}
