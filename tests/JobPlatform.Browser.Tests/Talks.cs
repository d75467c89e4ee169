using System.Collections.Concurrent;
using System.Threading.Channels;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Logging;
using DescriptionAttribute = System.ComponentModel.DescriptionAttribute;
using RangeAttribute = System.ComponentModel.DataAnnotations.RangeAttribute;

namespace JobPlatform.Browser.Tests;

/// <summary>Says what the test tells it, line by line, until the test lets it end.</summary>
[JobHandler("talks", "Says what it is told, and deletes nothing.", IsDestructive = true)]
public sealed partial class Talks : JobHandler<Talks.Config>
{
    private static readonly ConcurrentDictionary<string, Channel<string>> Channels = new();

    /// <summary>How it talks.</summary>
    public enum Tone { Plain, Loud }

    /// <summary>What it is to do.</summary>
    public sealed record Config
    {
        /// <summary>Whom it listens to; nobody for an end at once.</summary>
        [Description("Whom it listens to.")]
        public string Channel { get; init; } = "";

        /// <summary>How many things it counts to.</summary>
        [Range(1, 1000), Description("How many things there are.")]
        public int Total { get; init; } = 10;

        /// <summary>How it talks.</summary>
        [Description("How it talks.")]
        public Tone Tone { get; init; }

        /// <summary>Whether it only counts.</summary>
        [Description("Counts, and deletes nothing.")]
        public bool DryRun { get; init; }
    }

    /// <summary>Tells the run that listens to a channel what to say.</summary>
    public static ChannelWriter<string> To(string channel) => Channels.GetOrAdd(channel, _ => Channel.CreateUnbounded<string>()).Writer;

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var said = 0;
        if (config.Channel.Length > 0)
            await foreach (var text in Channels.GetOrAdd(config.Channel, _ => Channel.CreateUnbounded<string>()).Reader.ReadAllAsync(cancellation))
            {
                LogText(run.Logger, text);
                run.ReportProgress(++said, config.Total, text);
            }
        return RunOutcome.Success(new { said, config.Tone, config.DryRun, nested = new { list = Items, text = "a text of some length, so that it does not stand in one line" } });
    }

    private static readonly string[] Items = ["one", "two"];

    [LoggerMessage(1, LogLevel.Information, "{Text}")]
    private static partial void LogText(ILogger logger, string text);
}

/// <summary>Always fails.</summary>
[JobHandler("breaks", "Always fails.")]
public sealed class Breaks : JobHandler<NoConfig>
{
    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(NoConfig config, RunContext run, CancellationToken cancellation) => throw new InvalidOperationException("the needle broke");
}
