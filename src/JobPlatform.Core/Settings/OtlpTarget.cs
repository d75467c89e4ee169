using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Settings;

/// <summary>Where metrics and traces are sent by OTLP. Immutable.</summary>
/// <param name="Endpoint"><c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, such as <c>http://collector:4318</c>.</param>
/// <param name="IsGrpc"><c>OTEL_EXPORTER_OTLP_PROTOCOL</c> is <c>grpc</c>; default <c>http/protobuf</c>.</param>
public sealed record OtlpTarget(Uri Endpoint, bool IsGrpc)
{
    /// <summary>Reads the settings; adds a sentence for each fault.</summary>
    /// <returns>Null when nothing is to be sent.</returns>
    internal static OtlpTarget? Read(IConfiguration configuration, List<string> faults)
    {
        const string name = "OTEL_EXPORTER_OTLP_ENDPOINT", protocolName = "OTEL_EXPORTER_OTLP_PROTOCOL";
        if (configuration[name] is not { Length: > 0 } text) return null;
        var protocol = configuration[protocolName] is { Length: > 0 } given ? given : "http/protobuf";
        if (protocol is not ("grpc" or "http/protobuf")) faults.Add($"{protocolName}: '{protocol}' is not one of grpc, http/protobuf.");
        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https") return new(endpoint, protocol == "grpc");
        faults.Add($"{name}: '{text}' is not an address such as http://collector:4318.");
        return null;
    }
}
