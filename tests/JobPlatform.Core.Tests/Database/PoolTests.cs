using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Core.Tests.Database;

public sealed class PoolTests
{
    [TestCase("Host=h", 16, 100, 50)]
    [TestCase("Host=h", 200, 220, 50)]
    [TestCase("Host=h;MaxPoolSize=5;Max Auto Prepare=0", 200, 5, 0)]
    public async Task The_operators_connection_string_wins_over_the_pools_own_numbers(string given, int concurrency, int connections, int prepared)
    {
        await using var platform = new PlatformDatabase(given, concurrency: concurrency);
        await using var app = new AppDatabase(given, concurrency);

        foreach (var source in new[] { platform.Source, app.Source })
        {
            var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
            Assert.That((settings.MaxPoolSize, settings.MaxAutoPrepare), Is.EqualTo((connections, prepared)));
        }
    }
}
