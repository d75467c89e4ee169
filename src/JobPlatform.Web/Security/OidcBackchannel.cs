using System.Net;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Web.Security;

/// <summary>Lets the framework's OAuth handler ask the provider by the platform's one way out. Thread-safe.</summary>
internal sealed class OidcBackchannel(OutgoingHttp outgoing) : HttpMessageHandler
{
    // A person waits for it.
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is { } content ? await content.ReadAsByteArrayAsync(cancellationToken) : null;
        var answer = await outgoing.SendAsync(new OutgoingCall
        {
            Address = request.RequestUri!,
            // The operator's setting, or what the provider that is set says of itself.
            Source = AddressSource.Settings,
            CreateRequest = () => Copy(request, body),
            TimeLimit = LongestAnswer,
            // A code is taken once.
            Retries = request.Method == HttpMethod.Get ? 1 : 0,
        }, cancellationToken);
        var read = new ByteArrayContent(answer.Body.ToArray());
        if (answer.MediaType is { } type) read.Headers.ContentType = new(type);
        return new HttpResponseMessage((HttpStatusCode)answer.Status) { RequestMessage = request, ReasonPhrase = answer.Reason, Content = read };
    }

    private static HttpRequestMessage Copy(HttpRequestMessage request, byte[]? body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri);
        foreach (var (name, values) in request.Headers.NonValidated) copy.Headers.TryAddWithoutValidation(name, values);
        if (body is null) return copy;
        copy.Content = new ByteArrayContent(body);
        foreach (var (name, values) in request.Content!.Headers.NonValidated) copy.Content.Headers.TryAddWithoutValidation(name, values);
        return copy;
    }
}
