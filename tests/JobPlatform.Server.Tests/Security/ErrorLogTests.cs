using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Server.Tests.Security;

public sealed partial class ErrorLogTests
{
    [Test]
    public async Task Warnings_and_errors_of_the_platform_become_rows_and_nothing_else_does()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = new PlatformDatabase(database.ConnectionString);
        using var errors = new ErrorLog(new SecretRedactor(["a-secret-of-the-settings"]), TimeProvider.System);
        using var writer = new ErrorLogWriter(errors, platform, TimeProvider.System, NullLogger<ErrorLogWriter>.Instance);
        var run = Guid.CreateVersion7();
        var log = errors.CreateLogger("JobPlatform.Tests");
        LogRun(log, run, "with a-secret-of-the-settings\0", new InvalidOperationException("a-secret-of-the-settings"));
        LogFine(log);
        LogFault(errors.CreateLogger("Microsoft.AspNetCore"));
        LogFault(errors.CreateLogger(typeof(ErrorLogWriter).FullName!));
        LogFault(errors.CreateLogger("JobPlatform.Other"));

        await writer.StartAsync(CancellationToken.None);
        await writer.StopAsync(CancellationToken.None);

        Assert.That(await database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', level, category, event_id, event_name, message, run_id), E'\n' ORDER BY id) FROM jobplatform.error_logs"), Is.EqualTo(
            $"warning JobPlatform.Tests 1 LogRun Run {run}: with [secret]\uFFFD {run}\nerror JobPlatform.Other 3 LogFault A fault"));
        Assert.That(await database.ScalarAsync<string>("SELECT exception FROM jobplatform.error_logs WHERE exception IS NOT NULL"),
            Does.Contain("InvalidOperationException: [secret]"));
    }

    [Test]
    public async Task A_database_that_is_away_stops_nobody_and_what_is_too_much_is_counted()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var away = new PlatformDatabase("Host=127.0.0.1;Port=1;Username=u;Database=nowhere");
        await using var platform = new PlatformDatabase(database.ConnectionString);
        using var errors = new ErrorLog(new SecretRedactor([]), TimeProvider.System);
        var log = errors.CreateLogger("JobPlatform.Tests");
        using (var writer = new ErrorLogWriter(errors, away, TimeProvider.System, NullLogger<ErrorLogWriter>.Instance))
        {
            await writer.StartAsync(CancellationToken.None);
            for (var line = 0; line < 3000; line++) LogFault(log);
            await writer.StopAsync(CancellationToken.None);
        }
        for (var line = 0; line < 3000; line++) LogFault(log);
        using var second = new ErrorLogWriter(errors, platform, TimeProvider.System, NullLogger<ErrorLogWriter>.Instance);

        await second.StartAsync(CancellationToken.None);
        await second.StopAsync(CancellationToken.None);

        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.error_logs WHERE message = 'A fault'"), Is.EqualTo(2000));
        Assert.That(await database.ScalarAsync<string>("SELECT message FROM jobplatform.error_logs WHERE level = 'warning'"), Does.Match("^[0-9]+ warnings or errors are missing here"));
    }

    [LoggerMessage(1, LogLevel.Warning, "Run {RunId}: {Text}")]
    private static partial void LogRun(ILogger log, Guid runId, string text, Exception exception);

    [LoggerMessage(2, LogLevel.Information, "All is fine")]
    private static partial void LogFine(ILogger log);

    [LoggerMessage(3, LogLevel.Error, "A fault")]
    private static partial void LogFault(ILogger log);
}
