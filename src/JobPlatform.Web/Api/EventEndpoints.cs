using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>POST /api/events</c>: what an application has to tell, as <c>jobplatform.emit_event</c> takes it in SQL.</summary>
internal static class EventEndpoints
{
    private const string Example = """{"type": "chat.deleted", "payload": {"chat_id": 5}, "event_id": "an id of yours"}""";
    private static readonly JsonElement NoFields = JsonElement.Parse("{}");

    public static void MapEvents(this IEndpointRouteBuilder api) =>
        api.MapPost("/events", EmitAsync).RequireAccess(Access.Write, ClientScopes.EventsWrite)
            .Describe(new("events", "Tell of an event: each enabled job whose handler subscribes to its type runs. An event_id that was told before does nothing.")
            {
                Body = typeof(EventBody), Status = 202, Answer = typeof(EventTaken),
            });

    private static async Task<IResult> EmitAsync(HttpContext context, EventStore events, CancellationToken cancellation)
    {
        var (body, _, refusal) = await JsonBody.ReadAsync<EventBody>(context.Request, Example, cancellation: cancellation);
        if (refusal is not null) return refusal;
        return await events.EmitAsync(body!.Type!, body.Payload ?? NoFields, body.EventId, context.ToActor(), cancellation) switch
        {
            EventAnswer.Accepted accepted => ApiJson.Answer(new EventTaken { RunIds = accepted.RunIds, Existing = accepted.IsRepeated }, StatusCodes.Status202Accepted),
            EventAnswer.Refused refused => Problem.Invalid(new ConfigFault(refused.Field, $"{refused.Message} {refused.Hint}")),
            var answer => throw new InvalidOperationException($"{answer} is an answer that the API does not know."),
        };
    }

    private sealed record EventBody
    {
        [Required, StringLength(100)]
        public string? Type { get; init; }

        public JsonElement? Payload { get; init; }

        public string? EventId { get; init; }
    }

    private sealed record EventTaken
    {
        public required IReadOnlyList<Guid> RunIds { get; init; }

        // Told before under this id: these are the runs of then.
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool Existing { get; init; }
    }
}
