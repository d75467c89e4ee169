using JobPlatform.Core.Settings;

namespace JobPlatform.Core.Tests.Settings;

public sealed class SecretBoxTests
{
    private readonly string _old = Secrets.Create();
    private readonly string _new = Secrets.Create();

    [Test]
    public void What_is_sealed_opens_again_and_never_looks_the_same_twice()
    {
        var box = new SecretBox([_new]);
        var first = box.Seal("job_handlers:1", "sk_käse_1234");
        Assert.Multiple(() =>
        {
            Assert.That(box.Open("job_handlers:1", first), Is.EqualTo("sk_käse_1234"));
            Assert.That(box.Seal("job_handlers:1", "sk_käse_1234"), Is.Not.EqualTo(first));
        });
    }

    [Test]
    public void A_replaced_key_still_opens_what_the_one_before_it_sealed()
    {
        var stored = new SecretBox([_old]).Seal("job_handlers:1", "secret");
        Assert.That(new SecretBox([_new, _old]).Open("job_handlers:1", stored), Is.EqualTo("secret"));
    }

    [Test]
    public void A_lost_key_is_said_with_the_way_out_and_without_the_secret()
    {
        var stored = new SecretBox([_old]).Seal("job_handlers:1", "secret");
        Assert.That(() => new SecretBox([_new]).Open("job_handlers:1", stored),
            Throws.TypeOf<SecretBoxException>().With.Message.Contains("job_handlers:1").And.Message.Contains("JOBS_SECRET_KEY_PREVIOUS"));
    }

    [Test]
    public void A_sealed_secret_does_not_open_in_another_row_nor_when_it_was_changed()
    {
        var box = new SecretBox([_new]);
        var stored = box.Seal("job_handlers:1", "secret");
        Assert.That(() => box.Open("job_handlers:2", stored), Throws.TypeOf<SecretBoxException>());
        for (var i = 0; i < stored.Length; i++)
        {
            var changed = (byte[])stored.Clone();
            changed[i] ^= 1;
            Assert.That(() => box.Open("job_handlers:1", changed), Throws.TypeOf<SecretBoxException>(), $"byte {i}");
        }
    }

    [Test]
    public void Without_a_key_nothing_is_sealed() =>
        Assert.That(() => new SecretBox([]).Seal("x", "y"), Throws.InvalidOperationException.With.Message.StartsWith("JOBS_SECRET_KEY:"));
}
