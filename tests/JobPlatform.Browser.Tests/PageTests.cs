using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

/// <summary>
/// A fixture whose tests have a page each, signed in. A test fails, too, when the browser's console shows an error or when
/// the page asks another host for anything.
/// </summary>
public abstract class PageTests
{
    private readonly ConcurrentQueue<string> _faults = new();
    private IBrowserContext _context = null!;

    protected IPage Page { get; private set; } = null!;

    /// <summary>The account that is signed in; null for nobody.</summary>
    protected virtual string? Account => Setup.Admin;

    /// <summary>What the console may say: a refusal that the test asks for is an error to the browser.</summary>
    protected List<string> Expected { get; } = [];

    protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    protected static IPageAssertions Expect(IPage page) => Assertions.Expect(page);

    [SetUp]
    public async Task OpenAsync()
    {
        Expected.Clear();
        _faults.Clear();
        await OpenAsync(Setup.Host);
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await _context.DisposeAsync();
        Assert.That(_faults.Where(fault => !Expected.Exists(expected => fault.Contains(expected, StringComparison.Ordinal))), Is.Empty, "What the browser complained of");
    }

    /// <summary>Another window, at another node or of another size.</summary>
    private protected async Task OpenAsync(AdminHost host, BrowserNewContextOptions? options = null, string? account = null)
    {
        if (_context is not null) await _context.DisposeAsync();
        options ??= new();
        options.BaseURL = host.Address;
        options.ViewportSize ??= new() { Width = 1280, Height = 800 };
        options.ReducedMotion = ReducedMotion.Reduce;
        if ((account ?? Account) is { } name) options.StorageState = Setup.Sessions[name];
        _context = await Setup.Browser.NewContextAsync(options);
        _context.SetDefaultTimeout(60_000);
        Page = await _context.NewPageAsync();
        Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") _faults.Enqueue($"{message.Text} at {message.Location}");
        };
        Page.PageError += (_, error) => _faults.Enqueue(error);
        Page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(host.Address, StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal)) _faults.Enqueue($"a request to {request.Url}");
        };
    }

    /// <summary>A name that no other test's job has.</summary>
    protected static string NewName(string about) => $"{about}-{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>Makes a job.</summary>
    protected static async Task<string> AddJobAsync(string about, string handler = "talks", params string[] columns)
    {
        var name = NewName(about);
        await Setup.Database.AddJobAsync(name, handler, columns);
        return name;
    }

    /// <summary>Runs a job and waits for its end.</summary>
    protected static async Task<Guid> RunAsync(string job, bool waits = true)
    {
        var answer = await Setup.Host.Services.GetRequiredService<RunEnqueuer>().EnqueueAsync(new() { JobName = job, Trigger = RunTrigger.Api, TriggeredBy = "test" });
        var id = ((RunAnswer.Enqueued)answer).RunId;
        if (waits) await WaitForEndAsync(id);
        return id;
    }

    protected static async Task<RunDetails> WaitForEndAsync(Guid id)
    {
        var run = await Setup.Host.Services.GetRequiredService<RunStore>().WaitAsync(id, TimeSpan.FromSeconds(60));
        Assert.That(run?.Status.IsEnd(), Is.True, $"The run {id} has not ended.");
        return run!;
    }

    /// <summary>Waits until the browser has come to an address; <c>*</c> stands for any part of it.</summary>
    // Not WaitForURLAsync: it misses the end of a page that has loaded before it is called.
    protected async Task ComeToAsync(string address)
    {
        await Expect(Page).ToHaveURLAsync(new Regex($"{Regex.Escape(address).Replace("\\*", "[^/?]+", StringComparison.Ordinal)}$"), new() { Timeout = 60_000 });
        await Page.WaitForFunctionAsync("document.readyState === 'complete'");
    }

    /// <summary>Presses a key as a user does, who presses it again where nothing happens: what comes before a page's first picture the browser throws away.</summary>
    protected async Task PressAsync(string key)
    {
        for (var tries = 0; tries < 20; tries++)
        {
            await Page.EvaluateAsync("() => { if (window.seen === undefined) addEventListener('keydown', () => { window.seen = true; }, true); window.seen = false; }");
            await Page.Keyboard.PressAsync(key);
            try
            {
                // Another page knows nothing of it: then the key led there.
                if (await Page.EvaluateAsync<bool>("() => window.seen !== false")) return;
            }
            catch (PlaywrightException e) when (e.Message.Contains("navigation", StringComparison.Ordinal))
            {
                return;
            }
        }
        Assert.Fail($"The page never saw the key {key}.");
    }

    protected ILocator Button(string name, bool exact = true) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = exact });

    protected ILocator Link(string name) => Page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true });

    protected ILocator Row(string text) => Page.Locator("[data-row]").Filter(new() { HasText = text });
}
