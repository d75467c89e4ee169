using JobPlatform.Core.Checks;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Telemetry;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Web.Admin.Settings;

/// <summary><c>/admin/settings</c>: what this process was started with, and, when asked, what is wrong with the installation.</summary>
internal static class SettingsRoutes
{
    // A list of thousands helps nobody; the command line prints all.
    private const int MostFindings = 100;

    public static void MapSettingsPages(this IEndpointRouteBuilder admin) =>
        admin.MapGet("/settings", ShowAsync).RequireAccess(Access.Read);

    private static async Task<IResult> ShowAsync(IConfiguration configuration, PlatformSettings settings, SecretRedactor redactor, DriftCheck drift, IJobEngine engine, LoadReader load, string? check, CancellationToken cancellation)
    {
        var findings = SettingsChecks.Run(settings);
        var isChecked = check == "all";
        if (isChecked)
        {
            if (await engine.FindFaultAsync(cancellation) is { } idle) findings.Add(Finding.Warning("engine", idle));
            await foreach (var finding in drift.FindAsync(hasApp: true, cancellation))
            {
                findings.Add(finding);
                if (findings.Count > MostFindings) break;
            }
        }
        return AdminPage.Show<SettingsPage>(new
        {
            Settings = ShownSettings.Of(configuration, redactor),
            Findings = findings.Take(MostFindings).Select(finding => finding with { Message = redactor.Redact(finding.Message) }).ToList(),
            IsMore = findings.Count > MostFindings,
            IsChecked = isChecked,
            Tables = (await load.GetAsync(cancellation))?.Tables.OrderByDescending(table => table.Bytes).ToList() ?? [],
        });
    }
}
