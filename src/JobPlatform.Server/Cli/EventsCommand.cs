using System.CommandLine;
using System.Text.Json;
using JobPlatform.Core.Events;

namespace JobPlatform.Server.Cli;

/// <summary><c>events</c>: which there are, and emit one.</summary>
internal static class EventsCommand
{
    public static Command Create() => new("events", "Look at event types, and emit an event as an application does.")
    {
        CreateTypes(),
        CreateEmit(),
    };

    private static Command CreateTypes()
    {
        var json = Options.Json();
        var types = new Command("types", "List the event types with their fields and the handlers that subscribe.") { json };
        types.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var all = session.Get<EventTypes>().All;
            if (parsed.GetValue(json)) session.Output.Json(all);
            else
                session.Output.Table(["EVENT", "FIELDS", "HANDLERS", "DESCRIPTION"], [.. all.Select(type => new[]
                {
                    type.Name, string.Join(", ", type.Schema["properties"]!.AsObject().Select(field => field.Key)),
                    string.Join(", ", type.Handlers), type.Description,
                })]);
            return ExitCode.Well;
        });
        return types;
    }

    private static Command CreateEmit()
    {
        var json = Options.Json();
        var type = new Argument<string>("type") { Description = "The event's type, as 'events types' shows it." };
        var payload = new Option<string>("--payload") { Description = "A JSON object with the type's fields.", HelpName = "json", DefaultValueFactory = _ => "{}" };
        var id = new Option<string?>("--id") { Description = "Your own id of the event: told again, it does nothing.", HelpName = "text" };
        var emit = new Command("emit", "Emit an event: each enabled job whose handler subscribes to it runs.") { type, payload, id, json };
        emit.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            switch (await session.Get<EventStore>().EmitAsync(parsed.GetValue(type)!, Read(parsed.GetValue(payload)!), parsed.GetValue(id), Session.Actor, cancellation))
            {
                case EventAnswer.Refused refused: throw CliException.Refused($"{refused.Message}\n{refused.Hint}");
                case EventAnswer.Accepted accepted when parsed.GetValue(json): session.Output.Json(new { accepted.RunIds, Existing = accepted.IsRepeated }); break;
                case EventAnswer.Accepted { IsRepeated: true } accepted: session.Output.Line($"Told before; nothing was done. Its runs: {string.Join(", ", accepted.RunIds)}"); break;
                case EventAnswer.Accepted { RunIds.Count: 0 }: session.Output.Line("Taken; no enabled job subscribes to it."); break;
                case EventAnswer.Accepted accepted:
                    foreach (var run in accepted.RunIds) session.Output.Line($"{run}");
                    break;
            }
            return ExitCode.Well;
        });
        return emit;
    }

    private static JsonElement Read(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException e)
        {
            throw CliException.Refused($"--payload: it is not JSON ({e.Message}). Give an object such as {{\"chat_id\": 5}}.");
        }
    }
}
