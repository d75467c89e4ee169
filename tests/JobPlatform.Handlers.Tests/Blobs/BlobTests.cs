using Amazon.S3;
using Amazon.S3.Model;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Blobs;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Blobs;

/// <summary>The same rules on a folder and on an S3-compatible store.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class BlobTests(bool onS3)
{
    private const string Rows =
        """
        INSERT INTO public.users (id, email, full_name) VALUES (1, 'ada@example.com', 'Ada');
        INSERT INTO public.chats (id, user_id, model) VALUES (1, 1, 'm');
        INSERT INTO public.messages (id, chat_id, role, content) VALUES (1, 1, 'user', 'hi');
        INSERT INTO public.message_attachments (message_id, blob_path) VALUES (1, 'chats/1/named.txt'), (1, 'chats/5/copied.txt');
        """;

    [Test]
    public async Task A_deleted_chats_blobs_go_and_those_that_another_row_names_or_that_lie_beside_it_stay()
    {
        await using var store = await Store.StartAsync(onS3, "delete-chat-blobs", Rows);
        foreach (var path in new[] { "chats/5/a.txt", "chats/5/deep/b.txt", "chats/5/copied.txt", "chats/50/c.txt", "chats/1/named.txt", "chats/5.txt" })
            await store.AddAsync(path);

        Assert.That((await store.Bench.RunAsync("""{"chat_id": 5, "dry_run": true}""")).Output, Does.Contain("\"would_delete\":2"));
        Assert.That(await store.Bench.CountAsync("deleted", """{"chat_id": 5}"""), Is.EqualTo(2));
        Assert.That(await store.Bench.CountAsync("deleted", """{"chat_id": 5}"""), Is.Zero);
        Assert.That(await store.ListAsync(), Is.EquivalentTo((string[])["chats/1/named.txt", "chats/5.txt", "chats/5/copied.txt", "chats/50/c.txt"]));
    }

    [Test]
    public async Task While_the_chat_is_there_its_blobs_stay_and_the_run_is_tried_again()
    {
        await using var store = await Store.StartAsync(onS3, "delete-chat-blobs", Rows);
        await store.AddAsync("chats/1/orphan.txt");

        var ending = await store.Bench.RunAsync("""{"chat_id": 1}""");

        Assert.That((ending.Status, ending.ErrorMessage()), Is.EqualTo((RunStatus.Retrying, "chat_id: the chat 1 is still there, and so its blobs stay.")));
        Assert.That(await store.ListAsync(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task A_deleted_projects_blobs_go_with_those_of_its_chats()
    {
        await using var store = await Store.StartAsync(onS3, "delete-project-blobs", Rows);
        foreach (var path in new[] { "projects/3/a.txt", "projects/30/b.txt", "chats/7/c.txt", "chats/8/d.txt", "chats/9/e.txt" }) await store.AddAsync(path);

        Assert.That(await store.Bench.CountAsync("would_delete", """{"project_id": 3, "chat_ids": [7, 8, 8], "dry_run": true}"""), Is.EqualTo(3));
        Assert.That(await store.ListAsync(), Has.Length.EqualTo(5));
        Assert.That(await store.Bench.CountAsync("deleted", """{"project_id": 3, "chat_ids": [7, 8, 8]}"""), Is.EqualTo(3));
        Assert.That(await store.Bench.CountAsync("deleted", """{"project_id": 3, "chat_ids": [7, 8, 8]}"""), Is.Zero);
        Assert.That(await store.ListAsync(), Is.EqualTo((string[])["chats/9/e.txt", "projects/30/b.txt"]));
        Assert.That((await store.Bench.RunAsync("""{"project_id": 3, "chat_ids": [7, 1]}""")).ErrorMessage(), Does.StartWith("chat_ids: the chat 1 is still there"));
    }

    [Test]
    public async Task Orphans_are_swept_once_they_are_old_enough_and_page_by_page()
    {
        await using var store = await Store.StartAsync(onS3, "sweep-orphan-blobs", Rows);
        await store.AddAsync("chats/1/named.txt");
        for (var n = 0; n < (onS3 ? 30 : 2100); n++) await store.AddAsync($"uploads/{n % 7}/{n}.txt");
        var count = onS3 ? 30 : 2100;

        Assert.That(await store.Bench.CountAsync("deleted"), Is.Zero, "they are new");
        store.Bench.Clock.Advance(TimeSpan.FromHours(25));
        Assert.That(await store.Bench.CountAsync("would_delete", """{"dry_run": true}"""), Is.EqualTo(count));
        Assert.That(await store.Bench.CountAsync("deleted", """{"max_rows": 10, "batch_size": 3}"""), Is.EqualTo(10));
        Assert.That(await store.Bench.CountAsync("deleted"), Is.EqualTo(count - 10));
        Assert.That(await store.ListAsync(), Is.EqualTo((string[])["chats/1/named.txt"]));
    }

    [Test]
    public async Task A_blob_stored_a_second_before_the_cutoff_goes_one_at_the_cutoff_and_one_a_second_after_stay()
    {
        if (onS3) Assert.Pass("There nobody but the store says when.");
        await using var store = await Store.StartAsync(onS3, "sweep-orphan-blobs", Rows);
        var cutoff = store.Bench.Now.AddHours(-24);
        foreach (var second in new[] { -1, 0, 1 }) await store.AddAsync($"uploads/{second}.txt", cutoff.AddSeconds(second));

        Assert.That(await store.Bench.CountAsync("deleted"), Is.EqualTo(1));
        Assert.That(await store.ListAsync(), Is.EqualTo((string[])["uploads/0.txt", "uploads/1.txt"]));
    }

    [TestCase("sweep-orphan-blobs", "{}")]
    [TestCase("delete-chat-blobs", """{"chat_id": 9}""")]
    [TestCase("delete-project-blobs", """{"project_id": 9, "chat_ids": [10]}""")]
    public async Task An_empty_store_has_nothing_to_delete(string handler, string payload)
    {
        await using var store = await Store.StartAsync(onS3, handler, Rows);

        Assert.That(await store.Bench.CountAsync("deleted", payload), Is.Zero);
    }

    [TestCase("sweep-orphan-blobs", """{"batch_size": 2}""")]
    [TestCase("delete-chat-blobs", """{"chat_id": 9, "batch_size": 2}""")]
    [TestCase("delete-project-blobs", """{"project_id": 3, "chat_ids": [9], "batch_size": 2}""")]
    public async Task A_run_that_breaks_half_way_keeps_what_it_did_and_the_next_does_the_rest(string handler, string payload)
    {
        await using var store = await Store.StartAsync(onS3, handler, Rows, breaksInSecondBatch: true);
        for (var n = 0; n < 5; n++) await store.AddAsync($"chats/9/{n}.txt");
        store.Bench.Clock.Advance(TimeSpan.FromHours(25));

        var broken = await store.Bench.RunAsync(payload);

        Assert.That((broken.Status, (await store.ListAsync()).Length), Is.EqualTo((RunStatus.Retrying, 3)));
        Assert.That(await store.Bench.CountAsync("deleted", payload), Is.EqualTo(3));
        Assert.That(await store.ListAsync(), Is.Empty);
    }

    [Test]
    public async Task A_sweep_that_would_delete_many_times_the_usual_stops_as_after_a_database_that_lost_its_rows()
    {
        await using var store = await Store.StartAsync(onS3, "sweep-orphan-blobs", Rows);
        for (var n = 0; n < 12; n++) await store.AddAsync($"uploads/{n}.txt");
        await store.Bench.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, started_at, finished_at, status, queue, priority, limited, output)
            SELECT jobplatform.uuid_v7(), 1, 1, 'sql', now(), now(), now(), 'success', 'default', 5, true, '{"deleted": 0}' FROM generate_series(1, 3)
            """);
        store.Bench.Clock.Advance(TimeSpan.FromHours(25));

        Assert.That((await store.Bench.RunAsync("""{"safety_rows": 10}""")).SkipReason, Is.EqualTo("safety_stop"));
        Assert.That(await store.ListAsync(), Has.Length.EqualTo(12));
        Assert.That(await store.Bench.CountAsync("deleted", """{"safety_rows": 10, "confirm": true}"""), Is.EqualTo(12));
    }

    [Test]
    public async Task A_store_that_cannot_be_used_fails_the_run_with_a_sentence_without_its_secret()
    {
        await using var store = await Store.StartAsync(onS3, "sweep-orphan-blobs", Rows);
        await store.BreakAsync();
        store.Bench.Clock.Advance(TimeSpan.FromHours(25));

        var ending = await store.Bench.RunAsync();

        if (!onS3 && Environment.UserName == "root") Assert.Pass("Nothing is closed to root.");
        Assert.That(ending.Status, Is.EqualTo(RunStatus.Retrying), ending.Output);
        Assert.That(ending.ErrorMessage(), Does.Contain("Check BLOB_URL").And.Not.Contain("S3RVER:"));
    }

    private sealed class Store : IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("jobplatform-blobs-").FullName;
        private S3Server? _server;
        private IBlobStore _blobs = null!;

        public required HandlerBench Bench { get; init; }

        public static async Task<Store> StartAsync(bool onS3, string handler, string rows, bool breaksInSecondBatch = false)
        {
            var server = onS3 ? await S3Server.StartAsync() : null;
            IBlobStore? blobs = null;
            var store = new Store { Bench = await HandlerBench.CreateAsync(handler, configure: services => services.AddSingleton<BlobCleaner>().AddSingleton(_ => breaksInSecondBatch ? new BreakingBlobs(blobs!) : blobs!)), _server = server };
            blobs = store._blobs = server is null ? new FolderBlobs(store._folder)
                : BlobLocation.TryParse(server.Url, out var location, out var fault) ? new S3Blobs((BlobLocation.Bucket)location!) : throw new InvalidOperationException(fault);
            await store.Bench.Database.ExecuteAsync(rows);
            return store;
        }

        public async Task AddAsync(string path, DateTimeOffset? storedAt = null)
        {
            if (_server is null)
            {
                var file = Path.Combine(_folder, path);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                await File.WriteAllTextAsync(file, "x");
                if (storedAt is { } at) File.SetLastWriteTimeUtc(file, at.UtcDateTime);
                return;
            }
            using var client = new AmazonS3Client("S3RVER", "S3RVER", new AmazonS3Config
            {
                ServiceURL = $"http://{new Uri(_server.Url).Authority}", ForcePathStyle = true, AuthenticationRegion = "us-east-1",
                RequestChecksumCalculation = Amazon.Runtime.RequestChecksumCalculation.WHEN_REQUIRED,
            });
            await client.PutObjectAsync(new PutObjectRequest { BucketName = "files", Key = $"app/{path}", ContentBody = "x", UseChunkEncoding = false });
        }

        /// <summary>All paths, sorted.</summary>
        public async Task<string[]> ListAsync()
        {
            var paths = new List<string>();
            await foreach (var page in _blobs.ListAsync(null, CancellationToken.None)) paths.AddRange(page.Select(blob => blob.Path.Value));
            return [.. paths.Order(StringComparer.Ordinal)];
        }

        public async Task BreakAsync()
        {
            if (_server is not null) await _server.DisposeAsync();
            else if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_folder, UnixFileMode.None);
            if (_server is not null) _server = null;
        }

        public async ValueTask DisposeAsync()
        {
            (_blobs as IDisposable)?.Dispose();
            await Bench.DisposeAsync();
            if (_server is not null) await _server.DisposeAsync();
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>A store that breaks once, in the second batch, as when the process dies there.</summary>
    private sealed class BreakingBlobs(IBlobStore store) : IBlobStore
    {
        private int _batches;

        public Task DeleteAsync(IReadOnlyCollection<BlobPath> paths, CancellationToken cancellation) =>
            ++_batches == 2 ? throw new BlobException("The store is gone.") : store.DeleteAsync(paths, cancellation);

        public IAsyncEnumerable<IReadOnlyList<Blob>> ListAsync(BlobPath? folder, CancellationToken cancellation) => store.ListAsync(folder, cancellation);
    }
}
