using System.Net.Http.Headers;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace JobPlatform.Core.Outgoing;

/// <summary>
/// The one way by which the platform calls others over HTTP: time limit, tries, circuit breaker per host, a limit for
/// the answer, no redirects, and for addresses from rows the <see cref="AddressGuard"/>. Thread-safe.
/// </summary>
public sealed class OutgoingHttp(IHttpClientFactory clients, AddressGuard guard, TimeProvider clock)
{
    internal const string GuardedClient = "jobplatform-guarded";
    internal const string TrustedClient = "jobplatform-trusted";

    private readonly HostPipelines _pipelines = new(clock);

    /// <summary>Calls, and reads the answer.</summary>
    /// <returns>The answer, whatever its status.</returns>
    /// <exception cref="OutgoingException">There is no answer.</exception>
    /// <exception cref="OperationCanceledException">The token ended.</exception>
    public async Task<OutgoingAnswer> SendAsync(OutgoingCall call, CancellationToken cancellation = default)
    {
        var context = ResilienceContextPool.Shared.Get(cancellation);
        context.Properties.Set(HostPipelines.Call, call);
        try
        {
            // Again, as rows can be written by hand.
            if (call.Source == AddressSource.Row && guard.FindFault(call.Address.OriginalString) is { } fault) throw new AddressRefusedException(fault);
            return await _pipelines.Of(call.Address).ExecuteAsync(
                static async (context, state) => await state.Self.TryAsync(state.call, context.CancellationToken), context, (Self: this, call));
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && Describe(e, call) is { } described)
        {
            throw described;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async Task<OutgoingAnswer> TryAsync(OutgoingCall call, CancellationToken cancellation)
    {
        using var client = clients.CreateClient(call.Source == AddressSource.Row ? GuardedClient : TrustedClient);
        using var request = call.CreateRequest();
        request.RequestUri = call.Address;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        await using var content = await response.Content.ReadAsStreamAsync(cancellation);
        var (body, isTruncated) = await ReadAsync(content, call.MostBytes, cancellation);
        return new OutgoingAnswer
        {
            Status = (int)response.StatusCode,
            Reason = response.ReasonPhrase ?? "",
            Headers = response.Headers,
            MediaType = response.Content.Headers.ContentType?.MediaType,
            Body = body,
            IsTruncated = isTruncated,
            RetryAfter = Read(response.Headers.RetryAfter),
        };
    }

    private static async Task<(ReadOnlyMemory<byte> Body, bool IsTruncated)> ReadAsync(Stream content, int most, CancellationToken cancellation)
    {
        var kept = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (kept.Length <= most && await content.ReadAsync(buffer, cancellation) is > 0 and var read)
            kept.Write(buffer.AsSpan(0, read));
        return (kept.GetBuffer().AsMemory(0, (int)Math.Min(kept.Length, most)), kept.Length > most);
    }

    private TimeSpan? Read(RetryConditionHeaderValue? header) =>
        (header?.Delta ?? header?.Date - clock.GetUtcNow()) is { } wait ? wait > TimeSpan.Zero ? wait : TimeSpan.Zero : null;

    private static OutgoingException? Describe(Exception exception, OutgoingCall call)
    {
        var host = call.Address.Authority;
        for (var cause = exception; cause is not null; cause = cause.InnerException)
            if (cause is AddressRefusedException) return new(OutgoingFault.Refused, cause.Message, null, exception);
        return exception switch
        {
            BrokenCircuitException broken => new(OutgoingFault.Resting,
                $"{host} has failed often in the last moments and is not called for a while.", broken.RetryAfter, broken),
            TimeoutRejectedException => new(OutgoingFault.TimedOut, $"{host} gave no complete answer within {call.TimeLimit.TotalSeconds:0.###} s.", null, exception),
            HttpRequestException or IOException => new(OutgoingFault.Unreachable,
                $"{host} could not be reached: {exception.GetBaseException().Message.TrimEnd('.')}.", null, exception),
            _ => null,
        };
    }
}
