using System.Globalization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace JobPlatform.Web.Api;

/// <summary><c>GET /api/runs/{id}</c> and <c>/api/runs/{id}/logs</c>.</summary>
internal static class RunEndpoints
{
    private const int LongestWaitSeconds = 60;
    private const int DefaultLines = 100;
    private const int MostLines = 1000;

    public static void MapRuns(this IEndpointRouteBuilder api)
    {
        api.MapGet("/runs/{id}", FindAsync).RequireAccess(Access.Read, ClientScopes.RunsRead);
        api.MapGet("/runs/{id}/logs", ListLogAsync).RequireAccess(Access.Read, ClientScopes.RunsRead);
    }

    private static async Task<IResult> FindAsync(
        string id, HttpRequest request, RunStore runs, IHostApplicationLifetime host, CancellationToken cancellation)
    {
        if (!TryReadNumber(request, "wait", "s", 0, out var seconds) || seconds > LongestWaitSeconds)
            return Problem.Invalid(new ConfigFault("wait",
                $"'{Shown.Shorten(request.Query["wait"].ToString())}' is not a number of seconds from 0 to {LongestWaitSeconds}, such as 30s."));
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, host.ApplicationStopping);
        RunDetails? run;
        try
        {
            run = await runs.WaitAsync(key, TimeSpan.FromSeconds(seconds), stop.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The server stops: what is there now is the answer.
            run = await runs.FindAsync(key, cancellation);
        }
        return run is null ? Problem.RunNotFound(id) : ApiJson.Answer(run);
    }

    private static async Task<IResult> ListLogAsync(string id, HttpRequest request, RunStore runs, CancellationToken cancellation)
    {
        var faults = new List<ConfigFault>();
        if (!TryReadNumber(request, "after", "", 0, out var after))
            faults.Add(new("after", $"'{Shown.Shorten(request.Query["after"].ToString())}' is not the id of a line, a whole number from 0."));
        if (!TryReadNumber(request, "limit", "", DefaultLines, out var limit) || limit is < 1 or > MostLines)
            faults.Add(new("limit", $"'{Shown.Shorten(request.Query["limit"].ToString())}' is not a whole number from 1 to {MostLines}."));
        if (faults.Count > 0) return Problem.Invalid(faults);

        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        var lines = await runs.ListLogAsync(key, after, (int)limit, cancellation);
        return lines.Count == 0 && await runs.FindAsync(key, cancellation) is null
            ? Problem.RunNotFound(id)
            : ApiJson.Answer(new { lines });
    }

    // Given twice, a number is joined by a comma and so no number.
    private static bool TryReadNumber(HttpRequest request, string name, string unit, long defaultValue, out long number)
    {
        number = defaultValue;
        if (!request.Query.TryGetValue(name, out var values)) return true;
        var text = values.ToString();
        if (unit.Length > 0 && text.EndsWith(unit, StringComparison.Ordinal)) text = text[..^unit.Length];
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
