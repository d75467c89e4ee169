namespace JobPlatform.Server.Composition;

/// <summary>Where settings come from: each source wins over those before it.</summary>
internal static class PlatformConfiguration
{
    /// <summary>
    /// <c>appsettings.json</c> beside the binary, <c>secrets.env</c> of the data folder, environment variables, the
    /// command line.
    /// </summary>
    /// <param name="warnings">Gets one line for each thing that is unsafe but works.</param>
    /// <param name="commandLine">Settings that were given as options; nulls do not count.</param>
    /// <exception cref="FormatException">A file cannot be read; one sentence.</exception>
    public static IConfigurationRoot Load(TextWriter warnings, params IEnumerable<(string Name, string? Value)> commandLine)
    {
        var builder = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true, reloadOnChange: false);
        if (SecretsFile.Find() is { } secrets)
        {
            if (secrets.FindExposure() is { } exposure) warnings.WriteLine($"Warning: {exposure}");
            builder.AddInMemoryCollection(secrets.Read());
        }
        // .NET's own names: DOTNET_ENVIRONMENT is ENVIRONMENT, ASPNETCORE_URLS is URLS.
        builder.AddEnvironmentVariables("DOTNET_").AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables();
        builder.AddInMemoryCollection(commandLine.Where(option => option.Value is not null)
            .Select(option => KeyValuePair.Create(option.Name, option.Value)));
        try
        {
            return builder.Build();
        }
        catch (InvalidDataException e)
        {
            throw new FormatException($"appsettings.json: {e.InnerException?.Message ?? e.Message}", e);
        }
    }
}
