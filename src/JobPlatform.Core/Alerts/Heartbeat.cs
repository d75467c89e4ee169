using System.Text;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Outgoing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Alerts;

/// <summary>
/// Calls <c>HEARTBEAT_URL</c> once a minute, so that somebody outside notices when the platform is dead; with <c>/fail</c>
/// and a sentence while it lives and does not work, or while it cannot tell the admins by mail.
/// </summary>
internal sealed partial class Heartbeat(
    Uri address, PlatformDatabase database, IJobEngine engine, OutgoingHttp http, TimeProvider clock, ILogger<Heartbeat> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Beats once.</summary>
    /// <returns>The fault that was told; null for none.</returns>
    public async Task<string?> BeatAsync(CancellationToken cancellation)
    {
        var fault = await FindFaultAsync(cancellation);
        try
        {
            var answer = await http.SendAsync(new OutgoingCall
            {
                Address = fault is null ? address : new UriBuilder(address) { Path = address.AbsolutePath.TrimEnd('/') + "/fail" }.Uri,
                Source = AddressSource.Settings, TimeLimit = Limit, Retries = 2, MostBytes = 1024,
                CreateRequest = () => new(HttpMethod.Post, (Uri?)null) { Content = new StringContent(fault ?? "", Encoding.UTF8, "text/plain") },
            }, cancellation);
            if (!answer.IsSuccess) LogNotTaken($"the answer was {answer.Status}.");
        }
        catch (OutgoingException e)
        {
            LogNotTaken(e.Message);
        }
        return fault;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested) await BeatAsync(CancellationToken.None);
        }
    }

    private async Task<string?> FindFaultAsync(CancellationToken cancellation)
    {
        using var timeUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeUp.CancelAfter(Limit);
        try
        {
            if (await engine.FindFaultAsync(timeUp.Token) is { } fault) return fault;
            await using var connection = await database.OpenAsync(timeUp.Token);
            return await connection.QueryFirstOrDefaultAsync<string>(new CommandDefinition(
                "SELECT message FROM jobplatform.alerts WHERE kind = 'mail_stuck' AND closed_at IS NULL", cancellationToken: timeUp.Token));
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && e is NpgsqlException or TimeoutException or IOException or OperationCanceledException)
        {
            LogNoAnswer(e);
            return "The platform's database does not answer.";
        }
    }

    [LoggerMessage(4231, LogLevel.Warning, "The heartbeat was not taken: {Fault}")]
    private partial void LogNotTaken(string fault);

    [LoggerMessage(4232, LogLevel.Warning, "The heartbeat tells that the database does not answer")]
    private partial void LogNoAnswer(Exception exception);
}
