using System.CommandLine;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Server.Cli;

/// <summary><c>handlers</c>: what jobs can do.</summary>
internal static class HandlersCommand
{
    public static Command Create()
    {
        var json = Options.Json();
        var list = new Command("list", "List the handlers that are built in, with what they need.") { json };
        list.SetAction((parsed, cancellation) => ListAsync(parsed.GetValue(json), cancellation));
        return new Command("handlers", "Look at handlers.") { list };
    }

    private static async Task<int> ListAsync(bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var handlers = session.Get<HandlerCatalog>().All;
        var missing = (await session.Get<AppDatabase>().FindMissingAsync(
            handlers.SelectMany(handler => handler.Tables).ToHashSet(), cancellation)).ToHashSet();
        var rows = handlers.Select(handler => new
        {
            handler.Key,
            handler.Description,
            handler.Cron,
            Gate = handler.Gate?.ToString(),
            handler.IsOpen,
            MissingTables = handler.Tables.Where(missing.Contains).ToList(),
            handler.MissingSettings,
            handler.IsSeeded,
            handler.IsDestructive,
        }).ToList();
        if (asJson) session.Output.Json(rows);
        else
            session.Output.Table(["HANDLER", "CRON", "GATE", "", "MISSING", "DESCRIPTION"], rows.ConvertAll(row => new[]
            {
                row.Key, row.Cron ?? "", row.Gate ?? "", row.Gate is null ? "" : row.IsOpen ? "open" : "closed",
                row.MissingSettings.Concat(row.MissingTables).ToList() switch { [] => "", [var only] => only, [var first, .. var others] => $"{first} +{others.Count}" },
                row.Description,
            }));
        return ExitCode.Well;
    }
}
