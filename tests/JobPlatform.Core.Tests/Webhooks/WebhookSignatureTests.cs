using System.Text;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Core.Tests.Webhooks;

public sealed class WebhookSignatureTests
{
    [Test]
    public void The_conventions_published_example_gives_its_published_signature() =>
        Assert.That(WebhookSignature.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""u8),
            Is.EqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));

    [Test]
    public void A_made_secret_is_a_secret_and_no_two_are_the_same()
    {
        var secrets = Enumerable.Range(0, 50).Select(_ => WebhookSignature.CreateSecret()).ToList();

        Assert.That(secrets, Is.Unique);
        Assert.That(secrets.Where(secret => !WebhookSignature.IsSecret(secret)), Is.Empty);
    }

    [TestCase(23, false)]
    [TestCase(24, true)]
    [TestCase(64, true)]
    [TestCase(65, false)]
    public void A_secret_has_24_to_64_bytes(int bytes, bool isSecret) =>
        Assert.That(WebhookSignature.IsSecret("whsec_" + Convert.ToBase64String(Encoding.ASCII.GetBytes(new string('k', bytes)))), Is.EqualTo(isSecret));

    [TestCase("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    [TestCase("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS")]
    [TestCase("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")]
    [TestCase("whsec_not base64 not base64 not base64 not")]
    public void Without_its_prefix_or_its_base64_form_it_is_none(string text) => Assert.That(WebhookSignature.IsSecret(text), Is.False);
}
