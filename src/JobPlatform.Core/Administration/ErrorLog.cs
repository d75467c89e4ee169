using System.Runtime.CompilerServices;
using System.Threading.Channels;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Core.Administration;

/// <summary>One row of <c>error_logs</c> on its way there. Immutable.</summary>
internal sealed record ErrorLogEntry(
    DateTime At, string Level, string Category, int EventId, string? EventName, string Message, string? Exception, Guid? RunId);

/// <summary>
/// Takes the warnings and errors of the platform's own categories for <c>error_logs</c>; <see cref="ErrorLogWriter"/>
/// writes them. Whoever logs never waits: what comes faster than the database takes it is counted and dropped.
/// Thread-safe.
/// </summary>
public sealed class ErrorLog(SecretRedactor redactor, TimeProvider clock) : ILoggerProvider, ISupportExternalScope
{
    private const string Own = "JobPlatform.";
    private const int MostPending = 2000;
    private const int LongestMessage = 8 * 1024;
    private const int LongestException = 32 * 1024;

    // What the writer says of itself goes to the console only: it would otherwise feed on its own failures.
    private static readonly string Writer = typeof(ErrorLogWriter).FullName!;

    private readonly Channel<ErrorLogEntry> _pending = Channel.CreateBounded<ErrorLogEntry>(
        new BoundedChannelOptions(MostPending) { SingleReader = true });

    private IExternalScopeProvider? _scopes;
    private long _dropped;

    internal ChannelReader<ErrorLogEntry> Pending => _pending.Reader;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith(Own, StringComparison.Ordinal) && categoryName != Writer ? new Logger(this, categoryName) : NullLogger.Instance;

    /// <inheritdoc/>
    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    /// <inheritdoc/>
    public void Dispose() => _pending.Writer.TryComplete();

    /// <summary>How many were dropped since the last time that this was asked.</summary>
    internal long TakeDropped() => Interlocked.Exchange(ref _dropped, 0);

    private void Take(ErrorLogEntry entry)
    {
        if (!_pending.Writer.TryWrite(entry)) Interlocked.Increment(ref _dropped);
    }

    private string Clean(string text, int longest) => StorableText.Clean(redactor.Redact(text), longest);

    private sealed class Logger(ErrorLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => log._scopes?.Push(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and not LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            log.Take(new(log.Now, logLevel.ToString().ToLowerInvariant(), category, eventId.Id, eventId.Name,
                log.Clean(formatter(state, exception), LongestMessage),
                exception is null ? null : log.Clean(exception.ToString(), LongestException), FindRun(state) ?? log.FindRun()));
        }

        // Messages name the run that they are about.
        public static Guid? FindRun<TState>(TState state) =>
            state is IReadOnlyList<KeyValuePair<string, object?>> values && values.FirstOrDefault(pair => pair.Key == "RunId").Value is Guid id ? id : null;
    }

    // Or they are said while it is executed.
    private Guid? FindRun()
    {
        var found = new StrongBox<Guid?>();
        _scopes?.ForEachScope(static (scope, found) => found.Value ??= Logger.FindRun(scope), found);
        return found.Value;
    }

    private DateTime Now => clock.GetUtcNow().UtcDateTime;
}
