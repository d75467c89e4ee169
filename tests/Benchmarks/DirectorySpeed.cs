using System.Diagnostics;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Directories;
using JobPlatform.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Benchmarks;

/// <summary>
/// sync-directory against a SCIM stub in a process of its own: the first sync, which adds all; one that finds nothing;
/// one that finds one user in a hundred changed. Each user is in one group of a thousand.
/// </summary>
internal static class DirectorySpeed
{
    private const double MostMegabytes = 150;

    public static async Task MeasureAsync(int users)
    {
        await using var database = await TestDatabase.CreateAsync();
        using var stub = Start(users, out var url);
        try
        {
            await database.AddJobAsync("sync", DirectoryRuns.Handler, "timeout_seconds = 3600");
            await using var platform = await TestPlatform.StartAsync(database.ConnectionString, handlers: typeof(SyncDirectory).Assembly, outgoingAllowed: "127.0.0.1",
                configure: services => services.AddSingleton<DirectoryStore>().AddSingleton<DirectoryReaders>());
            var id = await AddAsync(platform, url);
            await MeasureAsync("first sync", platform, id, users);
            await MeasureAsync("sync without a difference", platform, id, users);
            await using (var connection = await database.OpenAsync())
                await connection.ExecuteAsync("UPDATE jobplatform.directory_users SET email = 'old' WHERE id % 100 = 0", commandTimeout: 0);
            await MeasureAsync("sync with one in a hundred changed", platform, id, users);
        }
        finally
        {
            stub.Kill();
            await stub.WaitForExitAsync();
        }
    }

    /// <summary>The stub alone; it prints its address and serves until it is killed.</summary>
    public static async Task ServeAsync(int users)
    {
        await using var stub = await ScimStub.StartAsync(users);
        foreach (var members in stub.Users.Chunk(1_000))
            stub.Groups.Add(($"g{stub.Groups.Count}", $"group {stub.Groups.Count}", [.. members.Select(user => user.Id)]));
        Console.WriteLine(stub.Url);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
    }

    private static async Task<Guid> AddAsync(TestPlatform platform, string url)
    {
        var definition = new DirectoryDefinition { Company = "acme", Name = "people", Kind = DirectoryKind.Scim, Url = url };
        return await platform.Services.GetRequiredService<DirectoryStore>().CreateAsync(definition, ScimStub.Token, Actor.CommandLine) is DirectoryAnswer.Done done
            ? done.Connection.Id : throw new InvalidOperationException("The connection was refused.");
    }

    private static async Task MeasureAsync(string figure, TestPlatform platform, Guid id, int users)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var self = Process.GetCurrentProcess();
        var idle = Resident(self);
        var peak = idle;
        var start = Stopwatch.GetTimestamp();
        var run = RunAsync(platform, id);
        while (!run.IsCompleted)
        {
            peak = Math.Max(peak, Resident(self));
            await Task.WhenAny(run, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None));
        }
        var output = await run;
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Figures.Print(figure, "s", seconds, note: $"{users:N0} users, {users / seconds:N0} a second; {output}");
        Figures.Print($"{figure}: memory", "MB", (peak - idle) / 1e6, MostMegabytes, $"peak above the idle {idle / 1e6:N0} MB, beside the limit");
    }

    private static long Resident(Process process)
    {
        process.Refresh();
        return process.WorkingSet64;
    }

    private static async Task<string> RunAsync(TestPlatform platform, Guid id)
    {
        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("sync", new { connection_id = id, list_limit = 0 }), 3600);
        if (run.Status != RunStatus.Success) throw new InvalidOperationException($"{run.Error}");
        var output = run.Output!.Value;
        return $"added {output.GetProperty("added")}, updated {output.GetProperty("updated")}, memberships added {output.GetProperty("memberships_added")}";
    }

    private static Process Start(int users, out string url)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? [typeof(DirectorySpeed).Assembly.Location] : Array.Empty<string>(), "directory-stub", $"{users}"])
        {
            RedirectStandardOutput = true,
        })!;
        url = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The stub did not start.");
        return process;
    }
}
