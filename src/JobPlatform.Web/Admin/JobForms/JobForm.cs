using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Web.Admin.Parts;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Admin.JobForms;

/// <summary>
/// A definition as somebody types it: each field a text, right or wrong, and the config by fields or as JSON. It is read
/// from a job or from a posted form, and gives the draft that <see cref="JobEditor"/> and <see cref="JobDrafts"/> take.
/// </summary>
public sealed class JobForm : IFormText
{
    private static readonly string[] Texts = ["name", "description", "handler", "time_zone", "queue", "retry_delays", "overlap", "misfire"];
    private static readonly string[] Optional = ["cron_expression", "ping_url"];
    private static readonly string[] Numbers = ["priority", "timeout_seconds", "max_attempts", "max_concurrency", "missed_after_seconds"];
    private static readonly string[] Flags = ["is_enabled", "notify_on_failure"];
    private static readonly JsonSerializerOptions Indented = new(PlatformJson.DeepOptions) { WriteIndented = true };

    private readonly Dictionary<string, string> _values = [];

    private JobForm(HandlerDescriptor? handler) => Fields = handler is null ? [] : ConfigField.Of(handler.ConfigSchema);

    /// <inheritdoc/>
    /// <remarks>The config's fields are called <c>config.NAME</c>.</remarks>
    public string this[string field] => _values.GetValueOrDefault(field, "");

    /// <summary>The fields of the config; none for a webhook, or where the handler takes none.</summary>
    public IReadOnlyList<ConfigField> Fields { get; }

    /// <summary>True where the config is typed as JSON.</summary>
    public bool IsRaw { get; private set; }

    /// <summary>The config as JSON, as it was typed or as the fields give it.</summary>
    public string Raw { get; private set; } = "{}";

    /// <summary>The form of a job that is there, or of one that is to be made.</summary>
    public static JobForm Of(JobDefinition job, HandlerDescriptor? handler)
    {
        var form = new JobForm(handler);
        var values = JsonSerializer.SerializeToNode<JobDefinition>(job with { Config = JsonElement.Parse("{}") }, PlatformJson.DeepOptions)!.AsObject();
        foreach (var field in Texts.Concat(Optional).Concat(Numbers).Concat(Flags)) form._values[field] = ConfigField.Write(values[field]);
        form.Show(JsonObject.Create(job.Config) ?? []);
        return form;
    }

    /// <summary>The form as it was posted.</summary>
    /// <param name="posted">Its fields.</param>
    /// <param name="handler">The code handler that it names; null for a webhook.</param>
    public static JobForm Of(IFormCollection posted, HandlerDescriptor? handler)
    {
        var form = new JobForm(handler);
        foreach (var field in Texts.Concat(Optional).Concat(Numbers).Concat(Flags).Concat(form.Fields.Select(field => $"config.{field.Name}")))
            form._values[field] = posted[field].ToString().Replace("\r\n", "\n", StringComparison.Ordinal).Trim();
        form.IsRaw = posted["editor"] == "json" || form.Fields.Count == 0;
        form.Raw = form.IsRaw ? posted["config"].ToString() : form.ReadFields().ToJsonString(Indented);
        return form;
    }

    /// <summary>The other way to type the config, filled with what this one holds; itself where that cannot be read.</summary>
    public void SwitchEditor()
    {
        if (!IsRaw) (IsRaw, Raw) = (true, ReadFields().ToJsonString(Indented));
        else if (PayloadField.Read(Raw) is { Fault: null } read) Show(JsonObject.Create(read.Value ?? JsonElement.Parse("{}"))!);
    }

    /// <summary>The draft; or why there is none.</summary>
    public (JsonElement Draft, IReadOnlyList<ConfigFault> Faults) ToDraft()
    {
        var draft = new JsonObject();
        foreach (var field in Texts) draft[field] = this[field];
        foreach (var field in Optional) draft[field] = this[field].Length == 0 ? null : this[field];
        foreach (var field in Numbers)
            draft[field] = this[field].Length == 0 ? null
                : int.TryParse(this[field], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : this[field];
        foreach (var field in Flags) draft[field] = this[field] == "true";
        if (!IsRaw)
        {
            draft["config"] = ReadFields();
            return (JsonSerializer.SerializeToElement(draft, PlatformJson.DeepOptions), []);
        }
        var (config, fault) = PayloadField.Read(Raw, "config");
        if (fault is null) draft["config"] = config is null ? [] : JsonObject.Create(config.Value);
        return (JsonSerializer.SerializeToElement(draft, PlatformJson.DeepOptions), fault is null ? [] : [fault]);
    }

    // What is left empty is left out, and keeps its default.
    private JsonObject ReadFields()
    {
        var config = new JsonObject();
        foreach (var field in Fields)
            if (this[$"config.{field.Name}"] is { Length: > 0 } typed) config[field.Name] = field.Read(typed);
        return config;
    }

    // By fields, where they can show all of it.
    private void Show(JsonObject config)
    {
        Raw = config.ToJsonString(Indented);
        IsRaw = Fields.Count == 0 || config.Any(member => member.Value is null || Fields.All(field => field.Name != member.Key));
        foreach (var field in Fields) _values[$"config.{field.Name}"] = ConfigField.Write(config[field.Name]);
    }
}
