using System.Diagnostics;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Telemetry;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace JobPlatform.Web.Api;

/// <summary>Metrics at <c>/metrics</c>; where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, metrics and traces by OTLP, too.</summary>
internal static class Telemetry
{
    public static IServiceCollection AddTelemetry(this IServiceCollection services, PlatformSettings settings)
    {
        services.AddSingleton<LoadGauges>();
        if (settings.Otlp is not null) services.AddHostedService<LoadRefresh>();
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService("jobplatform", serviceVersion: typeof(Telemetry).Assembly.GetName().Version!.ToString(3), serviceInstanceId: $"{Environment.MachineName}:{Environment.ProcessId}")
            .AddAttributes([new("jobplatform.role", settings.Role.ToString().ToLowerInvariant())]));
        telemetry.WithMetrics(metrics =>
        {
            // Not Npgsql's own: it names pools by their connection strings.
            metrics.AddMeter(RunMetrics.MeterName, "System.Runtime").AddInstrumentation(provider => provider.GetRequiredService<LoadGauges>());
            metrics.AddPrometheusExporter();
            if (settings.Otlp is { } otlp) metrics.AddOtlpExporter(exporter => otlp.Apply(exporter, "metrics"));
        });
        if (settings.Otlp is { } target)
        {
            // .NET 10 names a request's span after its own class, and says nothing of the request, unless it is told to.
            AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
            telemetry.WithTracing(traces => traces
                .AddSource(RunTrace.SourceName, "Microsoft.AspNetCore", "System.Net.Http", "Npgsql")
                .SetSampler(new ParentBasedSampler(new WithoutLoneCalls()))
                .AddOtlpExporter(exporter => target.Apply(exporter, "traces")));
        }
        return services;
    }

    public static void MapMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapPrometheusScrapingEndpoint("/metrics", meterProvider: null, branch => branch.Use(async (http, next) =>
        {
            await http.RequestServices.GetRequiredService<LoadReader>().GetAsync(http.RequestAborted);
            await next(http);
        }), optionsName: null)
            .WithMetadata(new HttpMethodMetadata([HttpMethods.Get])).RequireAccess(Access.Read, ClientScopes.MetricsRead);

    private static void Apply(this OtlpTarget target, OtlpExporterOptions exporter, string signal)
    {
        exporter.Protocol = target.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = target.IsGrpc ? target.Endpoint : new Uri($"{target.Endpoint.AbsoluteUri.TrimEnd('/')}/v1/{signal}");
    }

    // The engine polls: statements that belong to no request and no run would be most of all spans.
    private sealed class WithoutLoneCalls : Sampler
    {
        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            new(samplingParameters.Kind == ActivityKind.Client ? SamplingDecision.Drop : SamplingDecision.RecordAndSample);
    }
}
