namespace JobPlatform.Testing;

/// <summary>A clock that stands still until a test turns it; timers fire while it is turned. Thread-safe.</summary>
public sealed class FakeClock(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<FakeTimer> _timers = [];
    private DateTimeOffset _now = start;

    /// <summary>Starts at noon of 2 March 2026, UTC.</summary>
    public FakeClock() : this(new DateTimeOffset(2026, 3, 2, 12, 0, 0, TimeSpan.Zero)) { }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now;
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    /// <summary>Turns the clock to a time, also back; timers that are passed fire in their order.</summary>
    public void Set(DateTimeOffset time)
    {
        while (true)
        {
            FakeTimer? due;
            lock (_gate)
            {
                due = _timers.Where(timer => timer.DueAt <= time).MinBy(timer => timer.DueAt);
                if (due is null)
                {
                    _now = time;
                    return;
                }
                if (due.DueAt > _now) _now = due.DueAt;
                due.Advance();
            }
            due.Fire();
        }
    }

    /// <summary>Turns the clock on.</summary>
    public void Advance(TimeSpan by) => Set(GetUtcNow() + by);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class FakeTimer(FakeClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset DueAt { get; private set; } = DateTimeOffset.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var now = dueTime == TimeSpan.Zero;
            lock (clock._gate)
            {
                _period = period;
                clock._timers.Remove(this);
                var waits = now ? period != Timeout.InfiniteTimeSpan && period != TimeSpan.Zero : dueTime != Timeout.InfiniteTimeSpan;
                DueAt = waits ? clock._now + (now ? period : dueTime) : DateTimeOffset.MaxValue;
                if (waits) clock._timers.Add(this);
            }
            if (now) ThreadPool.QueueUserWorkItem(_ => Fire());
            return true;
        }

        public void Advance()
        {
            if (_period > TimeSpan.Zero) DueAt += _period;
            else clock._timers.Remove(this);
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock._gate) clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
