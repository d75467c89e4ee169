using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace JobPlatform.Core.Outgoing;

/// <summary>A pipeline, and so a circuit breaker, for each host that was called lately. Bounded; thread-safe.</summary>
internal sealed class HostPipelines(TimeProvider clock)
{
    /// <summary>The most hosts that are known at a time; the one that was not called for longest is forgotten.</summary>
    public const int MostHosts = 1000;

    /// <summary>What the strategies are told of the call.</summary>
    public static readonly ResiliencePropertyKey<OutgoingCall> Call = new("call");

    // Half of at least ten calls in half a minute: more than one receiver's bad luck, soon enough to spare a fleet.
    private const double BrokenShare = 0.5;
    private const int FewestCalls = 10;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(15);

    // A try within a call holds a worker's place; who asks for more is tried again by the run's retry policy.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _byHost = new(StringComparer.Ordinal);

    /// <summary>The pipeline of an address's scheme, host and port.</summary>
    public ResiliencePipeline<OutgoingAnswer> Of(Uri address)
    {
        var host = address.GetLeftPart(UriPartial.Authority);
        lock (_gate)
        {
            if (!_byHost.TryGetValue(host, out var entry))
            {
                if (_byHost.Count >= MostHosts) _byHost.Remove(_byHost.MinBy(known => known.Value.LastUse).Key);
                _byHost[host] = entry = new Entry(Build());
            }
            entry.LastUse = clock.GetTimestamp();
            return entry.Pipeline;
        }
    }

    private ResiliencePipeline<OutgoingAnswer> Build() =>
        new ResiliencePipelineBuilder<OutgoingAnswer> { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions<OutgoingAnswer>
            {
                MaxRetryAttempts = int.MaxValue,
                ShouldHandle = args => ValueTask.FromResult(args.AttemptNumber < CallOf(args.Context).Retries && IsWorthAnotherTry(args.Outcome)),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromSeconds(1),
                MaxDelay = LongestWait,
                DelayGenerator = args => ValueTask.FromResult(args.Outcome.Result?.RetryAfter),
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<OutgoingAnswer>
            {
                FailureRatio = BrokenShare,
                MinimumThroughput = FewestCalls,
                SamplingDuration = Window,
                BreakDuration = Rest,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is { } e ? IsOfTheNetwork(e) : args.Outcome.Result!.Status >= 500),
            })
            .AddTimeout(new TimeoutStrategyOptions { TimeoutGenerator = args => ValueTask.FromResult(CallOf(args.Context).TimeLimit) })
            .Build();

    private static OutgoingCall CallOf(ResilienceContext context) => context.Properties.GetValue(Call, null!);

    private static bool IsWorthAnotherTry(Outcome<OutgoingAnswer> outcome) =>
        outcome.Exception is { } e ? IsOfTheNetwork(e) : outcome.Result is { IsTemporary: true } answer && !(answer.RetryAfter > LongestWait);

    private static bool IsOfTheNetwork(Exception exception) =>
        exception is TimeoutRejectedException
        || exception is HttpRequestException or IOException && exception.InnerException is not AddressRefusedException;

    private sealed class Entry(ResiliencePipeline<OutgoingAnswer> pipeline)
    {
        public ResiliencePipeline<OutgoingAnswer> Pipeline => pipeline;

        public long LastUse { get; set; }
    }
}
