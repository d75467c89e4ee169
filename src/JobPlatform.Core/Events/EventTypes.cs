using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Core.Events;

/// <summary>
/// Declares an event type on the record of its payload: properties are the fields, <c>required</c> ones must be given,
/// data annotations are their limits.
/// </summary>
/// <param name="name">The stable name that applications emit, such as <c>chat.deleted</c>.</param>
/// <param name="description">One sentence: what has happened.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class EventTypeAttribute(string name, string description) : Attribute
{
    /// <summary>The stable name that applications emit.</summary>
    public string Name { get; } = name;

    /// <summary>One sentence: what has happened.</summary>
    public string Description { get; } = description;
}

/// <summary>On a handler: each enabled job of it runs for each event of that type, with the event's payload.</summary>
/// <typeparam name="TPayload">A record with <see cref="EventTypeAttribute"/>; the handler's config has all its fields.</typeparam>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class OnEventAttribute<TPayload> : OnEventAttribute where TPayload : class
{
    internal override Type Payload => typeof(TPayload);
}

/// <summary>The form in which <see cref="EventTypes"/> finds <see cref="OnEventAttribute{TPayload}"/>.</summary>
public abstract class OnEventAttribute : Attribute
{
    private protected OnEventAttribute() { }

    internal abstract Type Payload { get; }
}

/// <summary>An event type, as the code declares it. Immutable.</summary>
/// <param name="Name">The stable name.</param>
/// <param name="Description">One sentence: what has happened.</param>
/// <param name="Schema">The JSON Schema of its payload.</param>
/// <param name="Handlers">The keys of the handlers that subscribe to it and whose gates are open.</param>
public sealed record EventType(string Name, string Description, JsonNode Schema, IReadOnlyList<string> Handlers);

/// <summary>Every event type of the registered handlers. Immutable, thread-safe.</summary>
public sealed class EventTypes
{
    /// <summary>Collects the types that handlers subscribe to.</summary>
    /// <exception cref="InvalidOperationException">A payload has no <see cref="EventTypeAttribute"/>, or a handler's config lacks one of its fields.</exception>
    public EventTypes(HandlerCatalog handlers)
    {
        All = [.. handlers.All
            .Where(handler => handler.EventPayload is not null)
            .GroupBy(handler => handler.EventPayload!)
            .Select(group => Describe(group.Key, [.. group]))
            .OrderBy(type => type.Name, StringComparer.Ordinal)];
    }

    /// <summary>All types, by name.</summary>
    public IReadOnlyList<EventType> All { get; }

    /// <summary>Writes the types to the database, where <c>emit_event</c> finds them; idempotent, done at every start.</summary>
    public async Task PublishAsync(PlatformDatabase database, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO jobplatform.event_types AS t (name, description, schema, handlers)
            VALUES (@Name, @Description, @schema::jsonb, @handlers)
            ON CONFLICT (name) DO UPDATE
               SET description = excluded.description, schema = excluded.schema, handlers = excluded.handlers, updated_at = now()
             WHERE (t.description, t.schema, t.handlers) IS DISTINCT FROM (excluded.description, excluded.schema, excluded.handlers)
            """,
            All.Select(type => new { type.Name, type.Description, schema = type.Schema.ToJsonString(PlatformJson.Options), handlers = type.Handlers.ToArray() }),
            cancellationToken: cancellation));
    }

    private static EventType Describe(Type payload, IReadOnlyList<HandlerDescriptor> subscribers)
    {
        var attribute = payload.GetCustomAttribute<EventTypeAttribute>()
            ?? throw new InvalidOperationException($"{payload} is subscribed to and has no [EventType].");
        var fields = PlatformJson.Options.GetTypeInfo(payload).Properties;
        foreach (var handler in subscribers)
        {
            var config = PlatformJson.Options.GetTypeInfo(handler.ConfigType).Properties;
            foreach (var field in fields)
                if (!config.Any(property => property.Name == field.Name && Plain(property.PropertyType) == Plain(field.PropertyType)))
                    throw new InvalidOperationException($"The config of {handler.Key} has no field {field.Name} of {Plain(field.PropertyType).Name}, which the event {attribute.Name} brings.");
        }
        return new(attribute.Name, attribute.Description, ConfigReader.Schema(payload),
            [.. subscribers.Where(handler => handler.IsOpen).Select(handler => handler.Key)]);
    }

    private static Type Plain(Type type) => Nullable.GetUnderlyingType(type) ?? type;
}
