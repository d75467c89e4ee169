using Hangfire.Logging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using HangfireLevel = Hangfire.Logging.LogLevel;
using Level = Microsoft.Extensions.Logging.LogLevel;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Hangfire's log lines among the platform's. Hangfire has one provider a process and goes on logging while the host that
/// gave it is being disposed; its own bridge throws then.
/// </summary>
internal sealed class HangfireLog(ILoggerFactory loggers) : ILogProvider
{
    public ILog GetLogger(string name)
    {
        try
        {
            return new Log(loggers.CreateLogger(name));
        }
        catch (ObjectDisposedException)
        {
            return new Log(NullLogger.Instance);
        }
    }

    private sealed class Log(ILogger logger) : ILog
    {
        bool ILog.Log(HangfireLevel logLevel, Func<string>? messageFunc, Exception? exception)
        {
            var level = logLevel switch
            {
                HangfireLevel.Trace => Level.Trace,
                // Hangfire tells in as many lines what it is set to and what it does all the time.
                HangfireLevel.Debug or HangfireLevel.Info => Level.Debug,
                HangfireLevel.Warn => Level.Warning,
                _ => Level.Error,
            };
            if (!logger.IsEnabled(level)) return false;
            // Null asks whether the level is on.
            if (messageFunc is not null) logger.Log(level, default, messageFunc(), exception, static (message, _) => message);
            return true;
        }
    }
}
