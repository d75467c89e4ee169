using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dapper;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Stripe;
using JobPlatform.Handlers.Billing;
using JobPlatform.Mails;
using JobPlatform.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Benchmarks;

/// <summary>
/// sync-stripe against a stub of Stripe in a process of its own: the first sync, which inserts all; one that finds nothing;
/// one that finds one row in a hundred changed. Beside it the reading of the same pages without anything done with them.
/// </summary>
internal static class StripeSpeed
{
    private const double MostMegabytes = 150;

    public static async Task MeasureAsync(int subscriptions)
    {
        await using var database = await TestDatabase.CreateWithSampleAsync();
        await using var connection = await database.OpenAsync();
        await connection.ExecuteAsync(
            """
            INSERT INTO public.users (id, email, full_name) SELECT n, n || '@example.com', 'n' FROM generate_series(1, @subscriptions) n;
            INSERT INTO public.accounts (id, name, owner_id, stripe_customer_id) SELECT n, 'n', n, 'cus_' || n FROM generate_series(1, @subscriptions) n;
            ANALYZE public.accounts
            """, new { subscriptions }, commandTimeout: 0);
        using var stub = Start(subscriptions, out var url);
        try
        {
            await database.AddJobAsync("sync", "sync-stripe", "timeout_seconds = 3600");
            await using var platform = await TestPlatform.StartAsync(database.ConnectionString, handlers: typeof(SyncStripe).Assembly, configure: services => services
                .AddSingleton(new MailSettings()).AddMails()
                .AddSingleton(new StripeSettings { ApiUrl = url, SecretKey = StripeStub.Key }).AddSingleton<StripeClient>().AddSingleton<BillingNotices>());
            // One customer, so that what is compiled and pooled once is there.
            await RunAsync(platform, new { customer = "cus_1" });
            var reading = await ReadAsync(url);

            await MeasureAsync("first sync", platform, subscriptions, reading);
            await MeasureAsync("sync without a difference", platform, subscriptions, reading);
            await connection.ExecuteAsync("UPDATE public.subscriptions SET quantity = quantity + 1 WHERE id % 100 = 0", commandTimeout: 0);
            await MeasureAsync("sync with one in a hundred changed", platform, subscriptions, reading);
        }
        finally
        {
            stub.Kill();
            await stub.WaitForExitAsync();
        }
    }

    /// <summary>The stub alone; it prints its address and serves until it is killed.</summary>
    public static async Task ServeAsync(int subscriptions)
    {
        await using var stub = await StripeStub.StartAsync();
        for (var n = 1; n <= subscriptions; n++) stub.Put(new($"sub_{n:D8}", $"cus_{n}") { UnitAmount = 900 + n % 100 }, tells: false);
        Console.WriteLine(stub.Url);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
    }

    private static async Task MeasureAsync(string figure, TestPlatform platform, int subscriptions, double reading)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var self = Process.GetCurrentProcess();
        var idle = Resident(self);
        var peak = idle;
        var start = Stopwatch.GetTimestamp();
        var run = RunAsync(platform, new { });
        while (!run.IsCompleted)
        {
            peak = Math.Max(peak, Resident(self));
            await Task.WhenAny(run, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None));
        }
        var output = await run;
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Figures.Print(figure, "s", seconds, reading, $"{subscriptions:N0} subscriptions, {subscriptions / seconds:N0} a second, beside reading the pages alone; {output}");
        Figures.Print($"{figure}: memory", "MB", (peak - idle) / 1e6, MostMegabytes, $"peak above the idle {idle / 1e6:N0} MB, beside the limit");
    }

    private static long Resident(Process process)
    {
        process.Refresh();
        return process.WorkingSet64;
    }

    private static async Task<string> RunAsync(TestPlatform platform, object payload)
    {
        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("sync", payload), 3600);
        if (run.Status != RunStatus.Success) throw new InvalidOperationException($"{run.Error}");
        var output = run.Output!.Value;
        return string.Create(CultureInfo.InvariantCulture, $"updated {output.GetProperty("updated")}, inserted {output.GetProperty("inserted")}");
    }

    private static async Task<double> ReadAsync(Uri url)
    {
        using var http = new HttpClient { BaseAddress = url };
        http.DefaultRequestHeaders.Authorization = new("Bearer", StripeStub.Key);
        var start = Stopwatch.GetTimestamp();
        string? last = null;
        while (true)
        {
            var cursor = last is null ? "" : $"&starting_after={last}";
            using var page = JsonDocument.Parse(await http.GetByteArrayAsync(new Uri($"/v1/subscriptions?limit=100&status=all{cursor}", UriKind.Relative)));
            last = page.RootElement.GetProperty("data").EnumerateArray().Last().GetProperty("id").GetString();
            if (!page.RootElement.GetProperty("has_more").GetBoolean()) return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private static Process Start(int subscriptions, out Uri url)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? [typeof(StripeSpeed).Assembly.Location] : Array.Empty<string>(), "stripe-stub", $"{subscriptions}"])
        {
            RedirectStandardOutput = true,
        })!;
        url = new Uri(process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The stub did not start."));
        return process;
    }
}
