using System.Globalization;
using Hangfire.Dashboard;
using Hangfire.Dashboard.Pages;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Hangfire.Dashboard;

/// <summary>The platform's newest runs within Hangfire's dashboard, of all jobs or of one (<c>?job=</c>).</summary>
internal sealed class RunsPage : RazorPage
{
    private const int Limit = 100;

    public override void Execute()
    {
        Layout = new LayoutPage("Runs");
        var job = Query("job") is { Length: > 0 } given ? given : null;
        // Hangfire's pages are synchronous.
        var runs = Context.GetHttpContext().RequestServices.GetRequiredService<RunStore>()
            .ListAsync(new RunFilter { Job = job }, beforeId: null, Limit).GetAwaiter().GetResult();
        WriteLiteral($"<h1 class=\"page-header\">Runs{(job is null ? "" : " of ")}");
        Write(job);
        WriteLiteral("</h1><table class=\"table\"><thead><tr><th>Run</th><th>Job</th><th>State</th><th>Trigger</th><th>Start (UTC)</th><th>Took</th><th>Hangfire</th></tr></thead>");
        foreach (var run in runs) WriteRow(run);
        WriteLiteral("</table>");
    }

    private void WriteRow(RunDetails run)
    {
        WriteLiteral($"<tr><td><a href=\"/api/runs/{run.Id}\">{run.Id}</a></td><td><a href=\"{Url.To("/runs")}?job={Uri.EscapeDataString(run.Job)}\">");
        Write(run.Job);
        WriteLiteral("</a></td>");
        foreach (var text in new[]
                 {
                     run.SkipReason is { } reason ? $"{run.Status.ToWord()} ({reason})" : run.Status.ToWord(), $"{run.Trigger}".ToLowerInvariant(),
                     (run.StartedAt ?? run.RunAt).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
                     run.DurationMs is { } took ? $"{took} ms" : "",
                 })
        {
            WriteLiteral("<td>");
            Write(text);
            WriteLiteral("</td>");
        }
        WriteLiteral(run.EngineUrl is { } url ? $"<td><a href=\"{url}\">job</a></td></tr>" : "<td></td></tr>");
    }
}
