using Hangfire.Server;
using Hangfire.States;

namespace JobPlatform.Engine.Hangfire;

/// <summary>How a run that did not simply succeed tells the state filter what Hangfire's state is to be.</summary>
internal static class NextState
{
    private const string Key = "jobplatform.state";

    public static void Set(PerformContext context, IState state) => context.Items[Key] = state;

    public static IState? Find(IReadOnlyDictionary<string, object>? items) =>
        items?.GetValueOrDefault(Key) as IState;

    public static IState? Find(IDictionary<string, object>? items) =>
        items is not null && items.TryGetValue(Key, out var state) ? state as IState : null;

    /// <summary>Hangfire's scheduled state; what is due is enqueued at once.</summary>
    public static IState At(DateTimeOffset at, DateTimeOffset now, string reason) =>
        at <= now ? new EnqueuedState { Reason = reason } : new ScheduledState(at.UtcDateTime) { Reason = reason };
}

/// <summary>The run that a Hangfire job carries where that is not the one of its arguments.</summary>
internal static class CarriedRun
{
    public const string RunParameter = "RunId";
    public const string LaneParameter = "Lane";

    public static Guid? Find(PerformContext context) => context.GetJobParameter<Guid?>(RunParameter);

    public static Guid? Find(global::Hangfire.BackgroundJob job, global::Hangfire.Storage.IStorageConnection connection)
    {
        var parameter = connection.GetJobParameter(job.Id, RunParameter);
        if (parameter is not null) return global::Hangfire.Common.SerializationHelper.Deserialize<Guid?>(parameter, global::Hangfire.Common.SerializationOption.User);
        return job.Job.Args[1] is string run ? Guid.Parse(run) : null;
    }
}
