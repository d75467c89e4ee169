using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json.Nodes;
using JobPlatform.Core.Events;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Core.Handlers;

/// <summary>What is known of a code handler without running it. Immutable.</summary>
public sealed class HandlerDescriptor
{
    // As jobs have it that nobody seeded.
    private const int DefaultAttempts = 3;

    private readonly ObjectFactory _create;
    private readonly Lazy<JsonNode> _schema;

    internal HandlerDescriptor(Type type, JobHandlerAttribute attribute, IConfiguration settings)
    {
        Key = attribute.Key;
        Description = attribute.Description;
        Cron = attribute.Cron;
        Gate = attribute.Gate is null ? null : Gate.Parse(attribute.Gate);
        IsOpen = Gate?.IsOpen(settings) ?? true;
        Tables = attribute.TablesUnless is { } setting && !string.IsNullOrEmpty(settings[setting]) ? [] : attribute.Tables;
        MissingSettings = [.. attribute.Settings.Where(name => string.IsNullOrWhiteSpace(settings[name]))];
        IsSeeded = attribute.IsSeeded;
        IsDestructive = attribute.IsDestructive;
        TimeoutSeconds = attribute.TimeoutSeconds;
        RetryDelays = attribute.RetryDelays ?? Runs.RetryPolicy.Default;
        MaxAttempts = attribute.RetryDelays?.Split(',').Length + 1 ?? DefaultAttempts;
        MaxConcurrency = attribute.MaxConcurrency;
        ConfigType = FindConfigType(type);
        EventPayload = type.GetCustomAttribute<OnEventAttribute>()?.Payload;
        _create = ActivatorUtilities.CreateFactory(type, Type.EmptyTypes);
        _schema = new(() => ConfigReader.Schema(ConfigType));
    }

    /// <summary>The stable name in <c>jobs.handler</c>.</summary>
    public string Key { get; }

    /// <summary>One sentence: what it does.</summary>
    public string Description { get; }

    /// <summary>The cron expression that its job is seeded with; null for none.</summary>
    public string? Cron { get; }

    /// <summary>The condition on the settings; null for none.</summary>
    public Gate? Gate { get; }

    /// <summary>True when there is no gate or the settings open it.</summary>
    public bool IsOpen { get; }

    /// <summary>Tables of the application's database without which it cannot run.</summary>
    public IReadOnlyList<string> Tables { get; }

    /// <summary>Settings without which it cannot run, and which have no value.</summary>
    public IReadOnlyList<string> MissingSettings { get; }

    /// <summary>False for fixtures, whose job an admin makes by hand.</summary>
    public bool IsSeeded { get; }

    /// <summary>True when it deletes or drops.</summary>
    public bool IsDestructive { get; }

    /// <summary>Seconds that the seeded job gives a run.</summary>
    public int TimeoutSeconds { get; }

    /// <summary>When a failed attempt of the seeded job's runs is tried again (<see cref="Runs.RetryPolicy"/>).</summary>
    public string RetryDelays { get; }

    /// <summary>How many attempts the seeded job gives a run.</summary>
    public int MaxAttempts { get; }

    /// <summary>How many runs of the seeded job may run at once.</summary>
    public int MaxConcurrency { get; }

    /// <summary>The config record.</summary>
    public Type ConfigType { get; }

    /// <summary>The payload of the events that run it; null when it subscribes to none.</summary>
    public Type? EventPayload { get; }

    /// <summary>The JSON Schema of the config.</summary>
    public JsonNode ConfigSchema => _schema.Value.DeepClone();

    /// <summary>A fresh instance for one run.</summary>
    public IJobHandler Create(IServiceProvider services) => (IJobHandler)_create(services, null);

    private static Type FindConfigType(Type type)
    {
        for (var ancestor = type.BaseType; ancestor is not null; ancestor = ancestor.BaseType)
            if (ancestor.IsGenericType && ancestor.GetGenericTypeDefinition() == typeof(JobHandler<>))
                return ancestor.GetGenericArguments()[0];
        throw new InvalidOperationException($"{type} has a [JobHandler] but is not a JobHandler<TConfig>.");
    }
}

/// <summary>Every code handler of the registered assemblies, by key. Immutable, thread-safe.</summary>
public sealed class HandlerCatalog
{
    private readonly FrozenDictionary<string, HandlerDescriptor> _byKey;

    /// <summary>Finds the classes with a <see cref="JobHandlerAttribute"/>.</summary>
    /// <exception cref="InvalidOperationException">Two classes have the same key, or one is no handler.</exception>
    public HandlerCatalog(IEnumerable<Assembly> assemblies, IConfiguration settings)
    {
        var found = new Dictionary<string, HandlerDescriptor>(StringComparer.Ordinal);
        foreach (var type in assemblies.Distinct().SelectMany(assembly => assembly.GetTypes()))
        {
            if (type.GetCustomAttribute<JobHandlerAttribute>() is not { } attribute) continue;
            if (!found.TryAdd(attribute.Key, new HandlerDescriptor(type, attribute, settings)))
                throw new InvalidOperationException($"Two handlers have the key '{attribute.Key}'; the second is {type}.");
        }
        _byKey = found.ToFrozenDictionary(StringComparer.Ordinal);
        All = [.. found.Values.OrderBy(handler => handler.Key, StringComparer.Ordinal)];
    }

    /// <summary>All handlers, also those behind a closed gate, by key.</summary>
    public IReadOnlyList<HandlerDescriptor> All { get; }

    /// <summary>The handler of that key, null when there is none.</summary>
    public HandlerDescriptor? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>The sentence for a key that no handler has.</summary>
    /// <param name="key">The key.</param>
    /// <param name="webhooks">Keys of webhooks, which may be what was meant.</param>
    public string DescribeUnknown(string key, IEnumerable<string> webhooks) =>
        $"There is no handler '{key}'.{Suggestion.For(key, _byKey.Keys.Concat(webhooks))} 'jobplatform handlers list' and 'jobplatform webhooks list' show them all.";
}
