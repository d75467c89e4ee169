using System.Net;
using System.Net.Sockets;
using System.Text;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class HostileBodyTests
{
    private ApiHost _host = null!;

    // Each case: a body, and the field that the answer names.
    private static IEnumerable<TestCaseData> Bodies()
    {
        yield return Case("nothing", "", "");
        yield return Case("blanks", "  \n ", "");
        yield return Case("null", "null", "");
        yield return Case("an array", "[]", "");
        yield return Case("a text", "\"hook\"", "");
        yield return Case("a number", "12", "");
        yield return Case("a broken object", "{\"job\": \"hook\"", "");
        yield return Case("two objects", "{\"job\": \"hook\"}{}", "");
        yield return Case("a trailing comma", "{\"job\": \"hook\",}", "");
        yield return Case("a comment", "{\"job\": \"hook\" /* now */}", "");
        yield return Case("single quotes", "{'job': 'hook'}", "");
        yield return Case("not a number", "{\"job\": \"hook\", \"payload\": {\"n\": NaN}}", "");
        yield return Case("a NUL byte", "\0", "");
        yield return Case("an empty object", "{}", "job");
        yield return Case("null for all", "{\"job\": null, \"job_id\": null}", "job");
        yield return Case("name and number", "{\"job\": \"hook\", \"job_id\": 1}", "job_id");
        yield return Case("a field twice", "{\"job\": \"hook\", \"job\": \"other\"}", "");
        yield return Case("a field twice, once escaped", "{\"job\": \"hook\", \"\\u006aob\": \"other\"}", "");
        yield return Case("a field twice in the payload", "{\"job\": \"hook\", \"payload\": {\"a\": 1, \"a\": 2}}", "");
        yield return Case("an unknown field", "{\"job\": \"hook\", \"when\": 1}", "when");
        yield return Case("a field in capitals", "{\"Job\": \"hook\", \"job\": \"hook\"}", "Job");
        yield return Case("a field without a name", "{\"job\": \"hook\", \"\": 1}", "");
        yield return Case("NUL in the name", "{\"job\": \"hook\\u0000\"}", "job");
        yield return Case("NUL in a text", "{\"job\": \"hook\", \"triggered_by\": \"a\\u0000b\"}", "triggered_by");
        yield return Case("NUL in the dedup key", "{\"job\": \"hook\", \"dedup_key\": \"\\u0000\"}", "dedup_key");
        yield return Case("NUL in the payload", "{\"job\": \"hook\", \"payload\": {\"a\": [\"\\u0000\"]}}", "payload");
        yield return Case("NUL in a name of the payload", "{\"job\": \"hook\", \"payload\": {\"\\u0000\": 1}}", "payload");
        yield return Case("half a surrogate pair", "{\"job\": \"hook\", \"payload\": {\"a\": \"\\ud800\"}}", "payload");
        yield return Case("the other half", "{\"job\": \"hook\", \"payload\": {\"a\": \"\\udc00\"}}", "payload");
        yield return Case("half a pair as a name", "{\"job\": \"hook\", \"payload\": {\"\\ud800\": 1}}", "payload");
        yield return Case("half a pair as the job", "{\"job\": \"\\udbff\"}", "job");
        yield return Case("half a pair as a field", "{\"job\": \"hook\", \"\\ud800\": 1}", "");
        yield return Case("bytes that are not UTF-8", [.. "{\"job\": \""u8, 0xFF, 0xC0, .. "\"}"u8], "job");
        yield return Case("an overlong character", [.. "{\"job\": \"hook\", \"payload\": {\"a\": \""u8, 0xC0, 0xAF, .. "\"}}"u8], "payload");
        yield return Case("UTF-16", Encoding.Unicode.GetBytes("{\"job\": \"hook\"}"), "");
        yield return Case("a huge number as number", "{\"job_id\": 99999999999999999999}", "job_id");
        yield return Case("a fraction as number", "{\"job_id\": 1.5}", "job_id");
        yield return Case("an infinite number as number", "{\"job_id\": 1e999}", "job_id");
        yield return Case("a huge text as number", "{\"job_id\": \"99999999999999999999\"}", "job_id");
        yield return Case("a signed text as number", "{\"job_id\": \"+1\"}", "job_id");
        yield return Case("an array as number", "{\"job_id\": [1]}", "job_id");
        yield return Case("a number in the payload that numeric cannot hold", "{\"job\": \"hook\", \"payload\": {\"n\": 1e999999}}", "payload");
        yield return Case("a number with too many places", "{\"job\": \"hook\", \"payload\": {\"n\": 1e-20000}}", "payload");
        yield return Case("a zero with too many places", "{\"job\": \"hook\", \"payload\": {\"n\": 0e-99999}}", "payload");
        yield return Case("an exponent beyond 32 bits", "{\"job\": \"hook\", \"payload\": {\"n\": 0e9999999999}}", "payload");
        yield return Case("the smallest exponent of 32 bits", "{\"job\": \"hook\", \"payload\": {\"n\": 0e-2147483648}}", "payload");
        yield return Case("60,000 places after the point", $"{{\"job\": \"hook\", \"payload\": {{\"n\": 0.{new string('0', 60_000)}}}}}", "payload");
        yield return Case("60,000 digits", $"{{\"job\": \"hook\", \"payload\": {{\"n\": {new string('9', 60_000)}}}}}", "payload");
        yield return Case("a name of 101 characters", $"{{\"job\": \"{new string('j', 101)}\"}}", "job");
        yield return Case("a caller of 201 characters", $"{{\"job\": \"hook\", \"triggered_by\": \"{new string('c', 201)}\"}}", "triggered_by");
        yield return Case("a dedup key of 201 characters", $"{{\"job\": \"hook\", \"dedup_key\": \"{new string('k', 201)}\"}}", "dedup_key");
        yield return Case("an array as payload", "{\"job\": \"hook\", \"payload\": []}", "payload");
        yield return Case("a text as payload", "{\"job\": \"hook\", \"payload\": \"{}\"}", "payload");
        yield return Case("a time without offset", "{\"job\": \"hook\", \"run_at\": \"2026-01-31T08:00:00\"}", "run_at");
        yield return Case("a date as time", "{\"job\": \"hook\", \"run_at\": \"2026-01-31\"}", "run_at");
        yield return Case("seconds as time", "{\"job\": \"hook\", \"run_at\": 1769846400}", "run_at");
        yield return Case("a day that does not exist", "{\"job\": \"hook\", \"run_at\": \"2026-02-30T08:00:00Z\"}", "run_at");
        yield return Case("PostgreSQL's infinity", "{\"job\": \"hook\", \"run_at\": \"9999-12-31T23:59:59.9999999Z\"}", "run_at");
        yield return Case("PostgreSQL's other infinity", "{\"job\": \"hook\", \"run_at\": \"0001-01-01T00:00:00Z\"}", "run_at");
        yield return Case("a number as flag", "{\"job\": \"hook\", \"force\": 1}", "force");
        yield return Case("33 levels", $"{{\"job\": \"hook\", \"payload\": {{\"a\": {Nested(31)}}}}}", "");
        yield return Case("30,000 levels", Nested(30_000), "");
    }

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        // Its handler is not there, so that nothing checks the payload between the API and PostgreSQL.
        await _host.AddJobAsync("hook", handler: "not-there");
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [TestCaseSource(nameof(Bodies))]
    public async Task A_hostile_body_is_refused_by_name(byte[] body, string field)
    {
        var problem = await (await _host.RunAsync(Json(body))).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields().Split(", "), Does.Contain(field), problem.GetProperty("detail").GetString());
    }

    [TestCase("32 levels")]
    [TestCase("the largest number")]
    [TestCase("the smallest number")]
    [TestCase("a zero as C prints it")]
    [TestCase("a pair of surrogates")]
    public async Task What_can_be_stored_is_taken_and_comes_back(string what)
    {
        var payload = what switch
        {
            "32 levels" => $"{{\"a\": {Nested(30)}}}",
            "the largest number" => "{\"a\": 1.7976931348623157e308}",
            "the smallest number" => "{\"a\": 5e-324}",
            "a zero as C prints it" => "{\"a\": 0.000000e+00}",
            _ => "{\"a\": \"\\ud83d\\ude00\"}",
        };
        var answer = await _host.RunAsync(Json(Encoding.UTF8.GetBytes($"{{\"job\": \"hook\", \"payload\": {payload}}}")));
        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());

        var run = await (await _host.Client.GetAsync(answer.Headers.Location)).ReadAsync();
        Assert.That(run.GetProperty("payload").TryGetProperty("a", out _), Is.True);
    }

    [Test]
    public async Task A_body_in_broken_chunks_is_no_mistake_of_the_server()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _host.Client.BaseAddress!.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /api/jobs/run HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {ApiHost.Key}\r\n" +
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n"));

        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync();

        Assert.That(answer, Does.StartWith("HTTP/1.1 400 ").And.Contain("urn:jobplatform:problem:http-400"));
    }

    private static TestCaseData Case(string name, string body, string field) => Case(name, Encoding.UTF8.GetBytes(body), field);

    private static TestCaseData Case(string name, byte[] body, string field) =>
        new TestCaseData(body, field).SetArgDisplayNames(name);

    private static string Nested(int levels) => new string('[', levels) + new string(']', levels);

    private static ByteArrayContent Json(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/json");
        return content;
    }
}
