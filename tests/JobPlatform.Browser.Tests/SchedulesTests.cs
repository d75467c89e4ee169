using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Browser.Tests;

public sealed class SchedulesTests : PageTests
{
    [Test]
    public async Task A_schedule_is_paused_resumed_and_after_the_password_taken_out()
    {
        Expected.Add("403");
        var job = await AddScheduledAsync();
        await Page.GotoAsync("/admin/schedules");
        await Expect(Page.GetByText("Schedules are made from")).ToBeVisibleAsync();
        await Expect(Row(job)).ToContainTextAsync("03:07");

        await Button($"Pause {job}").ClickAsync();
        await Expect(Page.GetByText($"The schedule of {job} is paused")).ToBeVisibleAsync();
        await Expect(Row(job)).ToContainTextAsync("paused");
        await Button($"Resume {job}").ClickAsync();
        await Expect(Row(job)).ToContainTextAsync("active");

        await OpenAsync(Setup.LaterHost);
        await Page.GotoAsync("/admin/schedules");
        await Button($"Unschedule {job}").ClickAsync();
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Confirm and go on").ClickAsync();
        await Expect(Page.GetByText($"The schedule of {job} is taken out")).ToBeVisibleAsync();
        await Expect(Row(job)).ToContainTextAsync("unscheduled");
        await Expect(Button($"Unschedule {job}")).ToHaveCountAsync(0);
    }

    [Test]
    public async Task A_schedule_without_its_job_is_an_orphan_and_is_removed()
    {
        var gone = NewName("orphan");
        await Setup.Host.Services.GetRequiredService<IJobEngine>().ScheduleAsync(
            new(long.MaxValue - Random.Shared.Next(), gone, 1, "0 5 1 1 *", "UTC", MisfirePolicy.One), CancellationToken.None);
        await Page.GotoAsync("/admin/schedules");
        await Expect(Row(gone)).ToContainTextAsync("orphan: the job is gone");

        await Button("Remove the orphans").ClickAsync();

        await Expect(Page.GetByText("Orphans removed:")).ToBeVisibleAsync();
        await Expect(Row(gone)).ToHaveCountAsync(0);
    }

    // Not due while the tests run, whenever that is.
    private static async Task<string> AddScheduledAsync()
    {
        var job = await AddJobAsync("a-schedule", "talks", "cron_expression = '7 3 29 2 *'");
        await Setup.Host.Services.GetRequiredService<ScheduleSync>().ReconcileAsync();
        return job;
    }
}
