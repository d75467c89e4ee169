using System.Diagnostics.Metrics;

namespace JobPlatform.Core.Telemetry;

/// <summary>
/// The figures of <see cref="LoadReader.Last"/> as instruments, the same on every node: a dashboard takes their maximum.
/// They read nothing, as instruments know no asynchronous answer: who exports calls <see cref="LoadReader.GetAsync"/> before.
/// While the database does not answer there is none of them but <c>jobplatform.database.up</c>.
/// </summary>
public sealed class LoadGauges : IDisposable
{
    private readonly LoadReader _reader;
    private readonly Meter _meter = new(RunMetrics.MeterName);

    /// <param name="reader">Reads the figures.</param>
    public LoadGauges(LoadReader reader)
    {
        _reader = reader;
        _meter.CreateObservableGauge("jobplatform.database.up", () => reader.IsUp is { } isUp ? [new(isUp ? 1 : 0)] : Array.Empty<Measurement<int>>(), null, "1 while the platform's database answers");
        Many("jobplatform.queue.depth", "{run}", "Runs that could start and wait", "queue", load => load.Queues.Select(queue => (queue.Queue, (double)queue.Depth)));
        Many("jobplatform.queue.oldest", "s", "How long the oldest of them has waited", "queue", load => load.Queues.Select(queue => (queue.Queue, queue.OldestSeconds)));
        One("jobplatform.runs.running", "{run}", "Runs that are running", load => load.Running);
        One("jobplatform.due_time.lag", "s", "How long ago a due time passed that no scheduler has turned into a run", load => load.DueTimeLagSeconds);
        One("jobplatform.workers", "{worker}", "Processes that run jobs", load => load.Workers);
        One("jobplatform.worker.places", "{run}", "Runs that they can run at once", load => load.Places);
        One("jobplatform.emails.waiting", "{email}", "E-mails that are due and wait", load => load.Mails);
        One("jobplatform.emails.oldest", "s", "How long the oldest of them has waited", load => load.OldestMailSeconds);
        Many("jobplatform.job.consecutive_failures", "{run}", "Failures in a row of a job whose last run failed", "job", load => load.Failing.Select(job => (job.Job, (double)job.Count)));
        Many("jobplatform.alerts.open", "{alert}", "Open alerts", "kind", load => load.Alerts.Select(alert => (alert.Kind, (double)alert.Count)));
        Many("jobplatform.database.connections", "{connection}", "Connections of the platform", "state", load => load.Connections.Select(state => (state.State, (double)state.Count)));
        _meter.CreateObservableCounter("jobplatform.database.transactions", () => _reader.Last is { } load ? [new(load.Transactions)] : Array.Empty<Measurement<long>>(),
            "{transaction}", "Transactions of the whole database");
        Many("jobplatform.database.table.size", "By", "Bytes of a table with its indexes", "table", load => load.Tables.Select(table => (table.Table, (double)table.Bytes)));
        Many("jobplatform.database.table.dead_rows", "{row}", "Rows of a table that a vacuum has still to remove", "table", load => load.Tables.Select(table => (table.Table, (double)table.DeadRows)));
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void One(string name, string unit, string description, Func<LoadSnapshot, double> value) =>
        _meter.CreateObservableGauge(name, () => _reader.Last is { } load ? [new(value(load))] : Array.Empty<Measurement<double>>(), unit, description);

    private void Many(string name, string unit, string description, string tag, Func<LoadSnapshot, IEnumerable<(string Tag, double Value)>> values) =>
        _meter.CreateObservableGauge(name, () => _reader.Last is { } load
            ? values(load).Select(pair => new Measurement<double>(pair.Value, new KeyValuePair<string, object?>(tag, pair.Tag))) : [], unit, description);
}
