using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.Credits;

/// <summary>What became of a push message.</summary>
public enum PushResult
{
    /// <summary>The push service took it.</summary>
    Taken,

    /// <summary>The subscription is no more (404, 410): remove it.</summary>
    Gone,

    /// <summary>Not this time (429, 5xx, no connection), also after trying again.</summary>
    Deferred,

    /// <summary>It never will be taken: the address or the keys are of no use, or the service refuses the sender.</summary>
    Refused,
}

/// <summary>Sends messages to browsers. Endpoints come from rows: they pass the address guard. Thread-safe.</summary>
public sealed class WebPush(OutgoingHttp http, TimeProvider clock)
{
    private const int Retries = 3;

    /// <summary>Sends one.</summary>
    /// <param name="keys">The sender.</param>
    /// <param name="endpoint">The subscription's address.</param>
    /// <param name="p256dh">The browser's public key, base64url.</param>
    /// <param name="auth">The browser's secret, base64url.</param>
    /// <param name="message">UTF-8 JSON as the application's service worker reads it.</param>
    /// <param name="topic">A later message of the same topic takes the place of one that was not delivered yet; letters, digits, dashes, at most 32.</param>
    /// <param name="timeToLive">How long the service keeps it for a browser that is off.</param>
    /// <param name="cancellation">Ends it; it may have been taken.</param>
    public async Task<(PushResult Result, string Detail)> SendAsync(
        VapidSettings keys, string endpoint, string p256dh, string auth, ReadOnlyMemory<byte> message, string topic, TimeSpan timeToLive, CancellationToken cancellation)
    {
        byte[] body;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address)) return (PushResult.Refused, "the endpoint is no address");
        try
        {
            body = WebPushEncryption.Encrypt(message.Span, Base64Url.DecodeFromChars(p256dh), Base64Url.DecodeFromChars(auth));
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return (PushResult.Refused, "the subscription's keys are none");
        }
        try
        {
            var answer = await http.SendAsync(new OutgoingCall
            {
                // Sent twice it shows once: the topic is the same.
                Address = address, Source = AddressSource.Row, Retries = Retries, MostBytes = 4096, CreateRequest = () => CreateRequest(keys, address, body, topic, timeToLive),
            }, cancellation);
            return answer switch
            {
                { IsSuccess: true } => (PushResult.Taken, ""),
                { Status: 404 or 410 } => (PushResult.Gone, $"{address.Authority} answers {answer.Status}"),
                { IsTemporary: true } => (PushResult.Deferred, $"{address.Authority} answers {answer.Status}"),
                _ => (PushResult.Refused, $"{address.Authority} answers {answer.Status}"),
            };
        }
        catch (OutgoingException e)
        {
            return (e.IsTemporary ? PushResult.Deferred : PushResult.Refused, e.Message);
        }
    }

    private HttpRequestMessage CreateRequest(VapidSettings keys, Uri address, byte[] body, string topic, TimeSpan timeToLive)
    {
        var request = new HttpRequestMessage { Method = HttpMethod.Post, Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Content.Headers.ContentEncoding.Add("aes128gcm");
        request.Headers.TryAddWithoutValidation("Authorization", Vapid.Authorize(keys, address, clock.GetUtcNow()));
        request.Headers.Add("TTL", ((long)timeToLive.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("Topic", topic);
        request.Headers.Add("Urgency", "normal");
        return request;
    }
}
