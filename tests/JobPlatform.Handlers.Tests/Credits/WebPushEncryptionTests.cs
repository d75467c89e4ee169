using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using JobPlatform.Handlers.Credits;

namespace JobPlatform.Handlers.Tests.Credits;

public sealed class WebPushEncryptionTests
{
    // RFC 8291, section 5 and appendix A.
    private const string SenderPrivate = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    private const string SenderPublic = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    private const string BrowserPrivate = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    private const string BrowserPublic = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    private const string Secret = "BTBZMqHH6r4Tts7J_aSIgg";
    private const string Salt = "DGv6ra1nlYgDCS1FRnbzlw";
    private const string Plain = "When I grow up, I want to be a watermelon";
    private const string Body =
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    [Test]
    public void The_RFCs_example_comes_out_byte_by_byte()
    {
        using var sender = Pair(SenderPrivate, SenderPublic);

        var body = WebPushEncryption.Encrypt(Encoding.UTF8.GetBytes(Plain), Base64Url.DecodeFromChars(BrowserPublic), Base64Url.DecodeFromChars(Secret), sender, Base64Url.DecodeFromChars(Salt));

        Assert.That(Base64Url.EncodeToString(body), Is.EqualTo(Body));
    }

    [Test]
    public void The_tests_own_receiver_reads_the_RFCs_example()
    {
        using var receiver = new Receiver(Pair(BrowserPrivate, BrowserPublic), Base64Url.DecodeFromChars(Secret));

        Assert.That(receiver.Decrypt(Base64Url.DecodeFromChars(Body)), Is.EqualTo(Plain));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(WebPushEncryption.LongestMessage)]
    public void Messages_of_all_lengths_are_read_by_the_receiver_and_no_two_look_the_same(int length)
    {
        using var receiver = new Receiver();
        var text = new string('ä', length / 2) + new string('x', length % 2);

        byte[][] bodies = [Encrypt(receiver, text), Encrypt(receiver, text)];

        Assert.That(bodies.Select(body => receiver.Decrypt(body)), Is.All.EqualTo(text));
        Assert.That(bodies[0], Has.Length.LessThanOrEqualTo(4096).And.Not.EqualTo(bodies[1]));
    }

    [Test]
    public void What_is_no_key_and_what_is_too_long_is_refused()
    {
        using var receiver = new Receiver();
        var noPoint = receiver.Key;
        noPoint[40] ^= 1;

        Assert.Throws<CryptographicException>(() => Encrypt(receiver, new string('x', WebPushEncryption.LongestMessage + 1)));
        Assert.Throws<CryptographicException>(() => WebPushEncryption.Encrypt("x"u8, receiver.Key.AsSpan(1), new byte[16]));
        Assert.Throws<CryptographicException>(() => WebPushEncryption.Encrypt("x"u8, receiver.Key, new byte[15]));
        Assert.Catch<CryptographicException>(() => WebPushEncryption.Encrypt("x"u8, noPoint, new byte[16]));
    }

    private static byte[] Encrypt(Receiver receiver, string text) =>
        WebPushEncryption.Encrypt(Encoding.UTF8.GetBytes(text), receiver.Key, Base64Url.DecodeFromChars(receiver.Auth));

    private static ECDiffieHellman Pair(string privateKey, string publicKey)
    {
        var point = Base64Url.DecodeFromChars(publicKey);
        return ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256, D = Base64Url.DecodeFromChars(privateKey), Q = new() { X = point[1..33], Y = point[33..] },
        });
    }
}
