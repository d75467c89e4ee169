namespace JobPlatform.Server.Composition;

/// <summary>Serves HTTP and runs jobs.</summary>
internal static class ServeHost
{
    public static Task<int> RunAsync(IConfiguration configuration, string? urls, CancellationToken cancellation) =>
        throw new NotSupportedException("Serving is not built in yet.");
}
