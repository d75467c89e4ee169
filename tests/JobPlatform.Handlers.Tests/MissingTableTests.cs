using System.Reflection;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests;

/// <summary>What every handler of the application's tables does where they are missing.</summary>
public sealed class MissingTableTests
{
    private static IEnumerable<JobHandlerAttribute> Handlers =>
        typeof(HandlersAssembly).Assembly.GetTypes().Select(type => type.GetCustomAttribute<JobHandlerAttribute>()).OfType<JobHandlerAttribute>().Where(handler => handler.Tables.Length > 0);

    private static IEnumerable<TestCaseData> Cases => Handlers.Select(handler => new TestCaseData(handler.Key, handler.Gate, handler.Tables).SetArgDisplayNames(handler.Key));

    [TestCaseSource(nameof(Cases))]
    public async Task A_run_fails_for_good_and_says_which_tables_are_missing(string handler, string? gate, string[] tables)
    {
        var open = gate is null ? null : Gate.Parse(gate);
        await using var bench = await HandlerBench.CreateAsync(handler, withSample: false, settings: open is null ? [] : new() { [open.Setting] = open.Values[0] });

        var ending = await bench.RunAsync();

        Assert.That(ending.Status, Is.EqualTo(RunStatus.Failed), ending.Error);
        Assert.That(ending.ErrorMessage(), Is.EqualTo($"The application's database lacks {string.Join(", ", tables)}, which {handler} needs."));
    }
}
