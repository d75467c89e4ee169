using System.Net.Http.Json;
using System.Text;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.AiProviders;

/// <summary>How it stands with a provider.</summary>
public enum ProviderState
{
    /// <summary>It answers, and there is budget left.</summary>
    Fine,

    /// <summary>It answers, and less than the configured share of the monthly budget is left.</summary>
    Low,

    /// <summary>No credit (402, or the provider's own word for it).</summary>
    Exhausted,

    /// <summary>Over its quota for the moment (429).</summary>
    Throttled,

    /// <summary>It does not take the key, or the model.</summary>
    Refused,

    /// <summary>No answer, or its own failure.</summary>
    Unreachable,
}

/// <summary>Asks a provider for one token. Thread-safe.</summary>
public sealed class ProviderProbe(OutgoingHttp http)
{
    private const int MostBytes = 64 * 1024;

    /// <summary>Asks once; an answer of its own failure is asked for twice more.</summary>
    /// <returns>The state, never <see cref="ProviderState.Low"/>, and a sentence without the key.</returns>
    public async Task<(ProviderState State, string Detail)> AskAsync(AiProvider provider, string model, CancellationToken cancellation)
    {
        try
        {
            var answer = await http.SendAsync(new OutgoingCall
            {
                Address = AddressOf(provider, model), Source = AddressSource.Settings, MostBytes = MostBytes, CreateRequest = () => CreateRequest(provider, model),
            }, cancellation);
            var body = Encoding.UTF8.GetString(answer.Body.Span);
            return (Judge(answer.Status, body), answer.IsSuccess ? "It answers." : $"It answers {answer.Status} {answer.Reason}.");
        }
        catch (OutgoingException e)
        {
            return (ProviderState.Unreachable, e.Message);
        }
    }

    // Providers say that credit is out by other statuses than 402: the words are those of their error codes.
    private static ProviderState Judge(int status, string body) => status switch
    {
        >= 200 and < 300 => ProviderState.Fine,
        402 => ProviderState.Exhausted,
        429 when body.Contains("insufficient_quota", StringComparison.Ordinal) => ProviderState.Exhausted,
        400 or 403 when body.Contains("credit balance is too low", StringComparison.OrdinalIgnoreCase) => ProviderState.Exhausted,
        429 => ProviderState.Throttled,
        408 or >= 500 => ProviderState.Unreachable,
        _ => ProviderState.Refused,
    };

    private static Uri AddressOf(AiProvider provider, string model) => new(provider.Url, provider.Name switch
    {
        "openai" => "/v1/chat/completions",
        "anthropic" => "/v1/messages",
        _ => $"/v1beta/models/{Uri.EscapeDataString(model)}:generateContent",
    });

    private static HttpRequestMessage CreateRequest(AiProvider provider, string model)
    {
        object[] messages = [new { role = "user", content = "Hi" }];
        var request = new HttpRequestMessage { Method = HttpMethod.Post };
        switch (provider.Name)
        {
            case "openai":
                request.Headers.Authorization = new("Bearer", provider.Key);
                request.Content = JsonContent.Create(new { model, messages, max_completion_tokens = 1 });
                break;
            case "anthropic":
                request.Headers.Add("x-api-key", provider.Key);
                request.Headers.Add("anthropic-version", "2023-06-01");
                request.Content = JsonContent.Create(new { model, messages, max_tokens = 1 });
                break;
            default:
                // In a header: in the address it would stand in the logs of every proxy.
                request.Headers.Add("x-goog-api-key", provider.Key);
                request.Content = JsonContent.Create(new
                {
                    contents = new[] { new { parts = new[] { new { text = "Hi" } } } }, generationConfig = new { maxOutputTokens = 1 },
                });
                break;
        }
        return request;
    }
}
