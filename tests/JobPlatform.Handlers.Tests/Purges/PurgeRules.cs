using System.Text.Json;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Purges;

/// <summary>What every handler that deletes rows by age does; a handler's own fixture says which rows, and adds its own cases.</summary>
/// <param name="handler">The key.</param>
/// <param name="table">The table whose rows go.</param>
/// <param name="keptFor">How old a row may become.</param>
/// <param name="insert">Inserts one row of the age <c>@at</c>; its parents are user 1, chat 1 and workspace 1.</param>
public abstract class PurgeRules(string handler, string table, TimeSpan keptFor, string insert)
{
    private const string Parents =
        """
        INSERT INTO public.users (id, email, full_name) VALUES (1, 'ada@example.com', 'Ada');
        INSERT INTO public.chats (id, user_id, model, created_at) VALUES (1, 1, 'm', '2200-01-01');
        ALTER TABLE public.users ALTER id RESTART 10;
        ALTER TABLE public.chats ALTER id RESTART 10;
        INSERT INTO public.workspaces (id, name, owner_id) VALUES (1, 'w', 1);
        """;

    /// <summary>An application's function that the handler would call; the rules are about its own work.</summary>
    protected virtual string? OwnFunction => null;

    /// <summary>Rows of the table that are there from the beginning and never old.</summary>
    protected virtual int Young => 0;

    [Test]
    public async Task A_row_a_second_older_than_the_cutoff_goes_one_at_the_cutoff_and_one_a_second_younger_stay()
    {
        await using var bench = await StartAsync();
        foreach (var second in new[] { -1, 0, 1 }) await AddAsync(bench, 1, second);

        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(1));
        Assert.That(await CountAsync(bench), Is.EqualTo(2));
        bench.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_dry_run_tells_what_would_go_and_changes_nothing()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 3, -5);

        var (all, two) = ((await bench.RunAsync("""{"dry_run": true}""")).OutputJson(), (await bench.RunAsync("""{"dry_run": true, "max_rows": 2}""")).OutputJson());

        Assert.That(all.GetProperty("dry_run").GetBoolean(), Is.True);
        Assert.That((CountDue(all), CountDue(two)), Is.EqualTo((3, 2)));
        Assert.That(await CountAsync(bench), Is.EqualTo(3));
    }

    [Test]
    public async Task On_an_empty_table_and_in_a_second_run_nothing_goes()
    {
        await using var bench = await StartAsync();
        Assert.That(await bench.CountAsync("deleted"), Is.Zero);
        await AddAsync(bench, 5, -5);
        Assert.That(await bench.CountAsync("deleted", """{"batch_size": 2}"""), Is.EqualTo(5));
        Assert.That(await bench.CountAsync("deleted"), Is.Zero);
    }

    [Test]
    public async Task A_run_that_dies_half_way_keeps_what_it_did_and_the_next_goes_on()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 5, -5);
        await bench.DieInSecondBatchAsync(table);

        var died = await bench.RunAsync("""{"batch_size": 2}""");
        var left = await CountAsync(bench);

        Assert.That((died.Status, left), Is.EqualTo((RunStatus.Retrying, 3)));
        Assert.That(await bench.CountAsync("deleted", """{"batch_size": 2}"""), Is.EqualTo(3));
    }

    [Test]
    public async Task No_more_than_max_rows_go_the_oldest_first()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 2, -5);
        await AddAsync(bench, 2, -90);

        Assert.That(await bench.CountAsync("deleted", """{"max_rows": 2}"""), Is.EqualTo(2));
        bench.Clock.Advance(TimeSpan.FromSeconds(-10));
        Assert.That(await bench.CountAsync("deleted"), Is.Zero, "those that are left are the younger");
    }

    [Test]
    public async Task A_row_that_somebody_holds_is_left_to_the_next_run()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 3, -5);
        await using var holder = await bench.Database.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using var hold = new Npgsql.NpgsqlCommand($"SELECT FROM {table} WHERE ctid IN (SELECT ctid FROM {table} ORDER BY ctid DESC LIMIT 1) FOR UPDATE", holder);
        await hold.ExecuteNonQueryAsync();

        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(2));
        await transaction.RollbackAsync();
        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(1));
    }

    // A handler of several tables counts each.
    private static int CountDue(JsonElement output) => output.GetProperty("would_delete") is { ValueKind: JsonValueKind.Object } tables
        ? tables.EnumerateObject().Sum(due => due.Value.GetInt32())
        : output.GetProperty("would_delete").GetInt32();

    /// <summary>The database with the rows' parents.</summary>
    internal async Task<HandlerBench> StartAsync()
    {
        var bench = await HandlerBench.CreateAsync(handler);
        await bench.Database.ExecuteAsync(Parents);
        if (OwnFunction is { } function) await bench.Database.ExecuteAsync($"DROP FUNCTION {function}");
        return bench;
    }

    /// <summary>Adds rows that are younger than the cutoff by that many seconds; older by negative ones.</summary>
    internal Task AddAsync(HandlerBench bench, int count, int secondsYounger) => bench.Database.ExecuteAsync(
        string.Join(';', Enumerable.Repeat(insert, count)), new { at = bench.Now - keptFor + TimeSpan.FromSeconds(secondsYounger) });

    /// <summary>Rows of the table beside those that were there.</summary>
    internal async Task<int> CountAsync(HandlerBench bench) => await bench.Database.ScalarAsync<int>($"SELECT count(*) FROM {table}") - Young;
}
