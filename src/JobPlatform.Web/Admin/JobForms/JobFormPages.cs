using System.Text.Json;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Admin.JobForms;

/// <summary>A due time as the clock of its zone shows it. Immutable.</summary>
/// <param name="At">When it is.</param>
/// <param name="Local">What the clock shows.</param>
/// <param name="Change">How it stands to a change of that clock.</param>
public sealed record LocalDueTime(DateTimeOffset At, DateTimeOffset Local, ClockChange Change);

/// <summary>Makes the page of a form: what is typed, and what it would mean. Thread-safe.</summary>
internal sealed class JobFormPages(JobDrafts drafts, DueTimeCollisions collisions, HandlerCatalog catalog)
{
    /// <param name="form">What is typed.</param>
    /// <param name="name">The job that is changed; null for a new one.</param>
    /// <param name="version">Its version that was seen.</param>
    /// <param name="faults">Why it was not stored; null for those that a check finds now.</param>
    /// <param name="cancellation">Ends the check.</param>
    public async Task<IResult> ShowAsync(JobForm form, string? name, int? version, IReadOnlyList<ConfigFault>? faults, CancellationToken cancellation)
    {
        var (draft, unreadable) = form.ToDraft();
        var preview = await drafts.PreviewAsync(draft, cancellation);
        var found = faults ?? [.. unreadable, .. preview.Faults];
        return AdminPage.Show<JobFormPage>(new
        {
            Form = form,
            Name = name,
            Version = version,
            Handler = catalog.Find(form["handler"]),
            Preview = preview,
            DueTimes = Localize(form, preview.NextDueTimes),
            Collisions = await collisions.FindAsync(preview.NextDueTimes, name ?? form["name"], cancellation),
            Faults = found,
            IsChecked = faults is null,
        }, faults is { Count: > 0 } ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK);
    }

    private static List<LocalDueTime> Localize(JobForm form, IReadOnlyList<DateTimeOffset> dueTimes) =>
        CronExpression.TryParse(form["cron_expression"], form["name"], out var cron, out _) && TimeZones.TryFind(form["time_zone"], out var zone, out _)
            ? [.. dueTimes.Select(due => new LocalDueTime(due, TimeZoneInfo.ConvertTime(due, zone), cron.FindClockChange(due, zone)))]
            : [];
}
