using System.CommandLine;
using System.Globalization;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;

namespace JobPlatform.Server.Cli;

/// <summary><c>sample</c>: an application's tables and rows to try the platform on.</summary>
internal static class SampleCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { Description = "The folder with schema.sql, data.sql and events.sql: deploy/sample." };
        var scale = new Option<decimal>("--scale")
        {
            Description = "Size of the data, above 0 and at most 100; 1, the default, is 10,000 users.",
            HelpName = "number",
            DefaultValueFactory = _ => 1,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 100)
                    return number;
                result.AddError($"--scale: '{text}' is not a number above 0 and at most 100, such as 0.1.");
                return default;
            },
        };
        var load = new Command("load",
            "Load the sample application into an empty database, and the first time run each enabled job once. A second load does nothing.")
        {
            folder, scale,
        };
        load.SetAction((parsed, cancellation) => LoadAsync(parsed.GetValue(folder)!, parsed.GetValue(scale), cancellation));
        return new Command("sample", "Try the platform on generated data.") { load };
    }

    private static async Task<int> LoadAsync(string folder, decimal scale, CancellationToken cancellation)
    {
        foreach (var file in new[] { "schema.sql", "data.sql", "events.sql" })
            if (!File.Exists(Path.Combine(folder, file)))
                throw CliException.Refused($"folder: '{folder}' has no {file}. Give the folder deploy/sample of the repository.");

        await using var session = await Session.OpenAsync(cancellation);
        var isNew = await new SampleLoader(session.Get<AppDatabase>().Source, folder, Console.Error).LoadAsync(scale, cancellation);
        session.Output.Line(isNew ? "Sample: loaded." : "Sample: there already.");
        if (isNew && session.Settings.Blobs is BlobLocation.Folder blobs)
            await SampleBlobs.WriteAsync(session.Get<AppDatabase>(), blobs.Path, session.Get<TimeProvider>().GetUtcNow(), cancellation);
        if (await FirstStart.RunAsync(session, await File.ReadAllTextAsync(Path.Combine(folder, "events.sql"), cancellation), cancellation) is { } first)
            session.Output.Line($"Jobs: {first.Enabled} enabled, as their tables are there now; {first.Enqueued} runs wait for a worker.");
        return ExitCode.Well;
    }
}
