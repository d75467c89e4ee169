using System.Text;
using System.Text.Json;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Core.Tests.Webhooks;

public sealed class WebhookRecordingTests
{
    private const string Secret = "marked<secret>&\"0123456789\"";
    private static readonly WebhookRecording Recording = new([Secret]);

    [TestCase("application/json", """{"a": [1, 2.50, "ü"], "b": null}""", """{"status":200,"body":{"a":[1,2.50,"ü"],"b":null}}""")]
    [TestCase("application/problem+json", """{"title":"x"}""", """{"status":200,"body":{"title":"x"}}""")]
    [TestCase("application/json", "not json", """{"status":200,"body":"not json"}""")]
    [TestCase("application/json", """{"a":1e999}""", """{"status":200,"body":"{\"a\":1e999}"}""")]
    [TestCase("application/json", """{"a":1,"a":2}""", """{"status":200,"body":"{\"a\":1,\"a\":2}"}""")]
    [TestCase("text/plain", """{"a": 1}""", """{"status":200,"body":"{\"a\": 1}"}""")]
    [TestCase(null, "grüße", """{"status":200,"body":"grüße"}""")]
    [TestCase("text/plain", "", """{"status":200}""")]
    [TestCase("image/png", "\u0089PNG\u0000", """{"status":200,"media_type":"image/png","bytes":6}""")]
    public void An_answer_is_kept_as_what_it_is(string? mediaType, string body, string kept) =>
        Assert.That(Recording.Record(Answer(mediaType, Encoding.UTF8.GetBytes(body))).GetRawText(), Is.EqualTo(kept));

    [Test]
    public void Deep_JSON_is_kept_as_text()
    {
        var deepest = new string('[', 31) + new string(']', 31);

        Assert.That(Recording.Record(Answer("application/json", Encoding.UTF8.GetBytes(deepest))).GetProperty("body").ValueKind, Is.EqualTo(JsonValueKind.Array));
        Assert.That(Recording.Record(Answer("application/json", Encoding.UTF8.GetBytes($"[{deepest}]"))).GetProperty("body").ValueKind, Is.EqualTo(JsonValueKind.String));
    }

    [Test]
    public void A_secret_that_is_repeated_in_any_form_is_masked()
    {
        var html = System.Net.WebUtility.HtmlEncode(Secret);
        var query = Uri.EscapeDataString(Secret);
        var json = JsonSerializer.Serialize(new { token = Secret });

        Assert.That(Recording.Record(Answer("text/html", Encoding.UTF8.GetBytes($"{Secret} {html} {query} {json}"))).GetProperty("body").GetString(),
            Is.EqualTo("""[secret] [secret] [secret] {"token":"[secret]"}"""));
        Assert.That(Recording.Record(Answer("application/json", Encoding.UTF8.GetBytes(json))).GetProperty("body").GetRawText(), Is.EqualTo("""{"token":"[secret]"}"""));
    }

    [Test]
    public void No_part_of_a_secret_that_lies_across_a_limit_is_kept([Values(64 * 1024, 72 * 1024)] int limit, [Range(0, 30, 3)] int before)
    {
        // The answer goes on behind what is read.
        var whole = new string('x', limit - before) + Secret + new string('y', 20_000);
        var read = Encoding.ASCII.GetBytes(whole)[..WebhookRecording.MostRead];

        var body = Recording.Record(Answer("text/plain", read, isTruncated: true)).GetProperty("body").GetString()!;

        Assert.That(body.Length, Is.LessThanOrEqualTo(64 * 1024));
        Assert.That("[secret]".StartsWith(body.Replace("x", "").Replace("y", ""), StringComparison.Ordinal), body[^60..]);
    }

    [Test]
    public void Many_repeated_secrets_do_not_move_the_unread_one_into_what_is_kept()
    {
        var secret = new string('k', 1000);
        var whole = string.Concat(Enumerable.Repeat(secret, 200));

        var body = new WebhookRecording([secret]).Record(Answer("text/plain", Encoding.ASCII.GetBytes(whole)[..WebhookRecording.MostRead], isTruncated: true)).ToString();

        Assert.That(body, Does.Not.Contain("kk"));
    }

    [Test]
    public void Text_is_cut_between_two_characters([Range(0, 3)] int shift)
    {
        var read = Encoding.UTF8.GetBytes(new string('x', shift) + string.Concat(Enumerable.Repeat("😀", 30_000)))[..WebhookRecording.MostRead];

        var body = Recording.Record(Answer("text/plain", read, isTruncated: true)).GetProperty("body").GetString()!;

        Assert.That(Encoding.UTF8.GetByteCount(body), Is.InRange(64 * 1024 - 4, 64 * 1024));
        Assert.That(body, Does.Not.Contain("\uFFFD"));
    }

    private static OutgoingAnswer Answer(string? mediaType, byte[] body, bool isTruncated = false) => new()
    {
        Status = 200, Reason = "OK", Headers = new HttpResponseMessage().Headers, MediaType = mediaType, Body = body, IsTruncated = isTruncated, RetryAfter = null,
    };
}
