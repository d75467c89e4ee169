using Npgsql;

namespace JobPlatform.Handlers.Tests.Blobs;

public sealed class CleanMessageSourcesTests
{
    private const string Rows =
        """
        INSERT INTO public.users (id, email, full_name) VALUES (1, 'ada@example.com', 'Ada');
        INSERT INTO public.chats (id, user_id, model) VALUES (1, 1, 'm');
        INSERT INTO public.messages (id, chat_id, role, content) VALUES (1, 1, 'user', 'hi'), (2, 1, 'user', 'hi');
        INSERT INTO public.message_attachments (message_id, blob_path) VALUES (1, 'chats/1/kept.txt'), (2, 'chats/1/gone.txt');
        INSERT INTO public.message_sources (message_id, kind, reference) VALUES
            (1, 'file', 'chats/1/kept.txt'), (1, 'file', 'chats/1/gone.txt'), (1, 'web', 'chats/1/gone.txt'), (2, 'file', 'chats/1/other.txt');
        """;

    private const string Sources = "SELECT string_agg(concat_ws(' ', message_id, kind, reference), ', ' ORDER BY id) FROM public.message_sources";

    [Test]
    public async Task File_sources_whose_attachment_the_message_no_longer_has_go_and_all_others_stay()
    {
        await using var bench = await HandlerBench.CreateAsync("clean-message-sources");
        await bench.Database.ExecuteAsync(Rows);

        Assert.That(await bench.CountAsync("would_delete", """{"message_id": 1, "dry_run": true}"""), Is.EqualTo(1));
        Assert.That(await bench.CountAsync("deleted", """{"message_id": 1}"""), Is.EqualTo(1));
        Assert.That(await bench.CountAsync("deleted", """{"message_id": 1}"""), Is.Zero);
        Assert.That(await bench.CountAsync("deleted", """{"message_id": 99}"""), Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<string>(Sources), Is.EqualTo("1 file chats/1/kept.txt, 1 web chats/1/gone.txt, 2 file chats/1/other.txt"));
    }

    [Test]
    public async Task An_attachment_that_is_being_added_keeps_its_source()
    {
        await using var bench = await HandlerBench.CreateAsync("clean-message-sources");
        await bench.Database.ExecuteAsync(Rows);
        await using var user = await bench.Database.OpenAsync();
        await using var adding = await user.BeginTransactionAsync();
        await using var insert = new NpgsqlCommand("INSERT INTO public.message_attachments (message_id, blob_path) VALUES (1, 'chats/1/gone.txt')", user);
        await insert.ExecuteNonQueryAsync();

        var run = bench.CountAsync("deleted", """{"message_id": 1}""");
        await bench.WaitForWaiterAsync();
        await adding.CommitAsync();

        Assert.That(await run, Is.Zero);
    }
}
