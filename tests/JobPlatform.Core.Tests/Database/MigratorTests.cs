using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Core.Tests.Database;

public sealed class MigratorTests
{
    [Test]
    public void Every_migration_has_a_number_of_its_own() =>
        Assert.That(Migrator.Migrations.Select(migration => migration.Number), Is.Unique.And.Ordered);

    [Test]
    public async Task Servers_that_start_together_apply_each_migration_once()
    {
        await using var database = await TestDatabase.CreateEmptyAsync();
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);

        var applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Migrator.MigrateAsync(source)));

        Assert.That(applied.SelectMany(names => names).Order(), Is.EqualTo(Migrator.Migrations.Select(migration => migration.Name)));
        Assert.That(await Migrator.FindPendingAsync(source), Is.Empty);
    }
}
