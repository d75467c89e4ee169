namespace JobPlatform.Core.Outgoing;

/// <summary>Who wrote down the address of a call.</summary>
public enum AddressSource
{
    /// <summary>A row or a caller: it must pass the <see cref="AddressGuard"/>, and no proxy is used.</summary>
    Row,

    /// <summary>The operator's settings, or the code: it is trusted, and the environment's proxy is used.</summary>
    Settings,
}

/// <summary>One call over HTTP. Immutable.</summary>
public sealed record OutgoingCall
{
    /// <summary>Where it goes, with its text as it was written.</summary>
    public required Uri Address { get; init; }

    /// <summary>Who wrote down the address.</summary>
    public required AddressSource Source { get; init; }

    /// <summary>Makes the request, anew for each try; its address is set by the pipeline.</summary>
    public required Func<HttpRequestMessage> CreateRequest { get; init; }

    /// <summary>How long one try may take, from the connection to the end of the body. Default 30 s.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it is tried again within the call after a connection that failed, a time-out or a status that
    /// asks for it. Default 0: a run's own retry policy is the better one, as it survives a restart. Only for requests
    /// that may arrive twice.</summary>
    public int Retries { get; init; }

    /// <summary>How much of the body is read; the rest is left. Default 1 MiB.</summary>
    public int MostBytes { get; init; } = 1024 * 1024;
}

/// <summary>An answer, of any status, read to its end or to the limit of the call. Immutable.</summary>
public sealed record OutgoingAnswer
{
    /// <summary>The status code. A redirect is an answer like any other: it is not followed.</summary>
    public required int Status { get; init; }

    /// <summary>What the server says beside the status; empty for nothing.</summary>
    public required string Reason { get; init; }

    /// <summary>The headers, those of the content apart.</summary>
    public required System.Net.Http.Headers.HttpResponseHeaders Headers { get; init; }

    /// <summary>The media type, such as <c>application/json</c>; null when it is not said.</summary>
    public required string? MediaType { get; init; }

    /// <summary>The body.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>True when the body is longer than what was read.</summary>
    public required bool IsTruncated { get; init; }

    /// <summary>How long the server asks to wait (Retry-After); null when it does not.</summary>
    public required TimeSpan? RetryAfter { get; init; }

    /// <summary>2xx.</summary>
    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>408, 425, 429 and 5xx: the same request may succeed later.</summary>
    public bool IsTemporary => Status is 408 or 425 or 429 or >= 500;
}

/// <summary>Why a call has no answer.</summary>
public enum OutgoingFault
{
    /// <summary>The address is not allowed, now and later.</summary>
    Refused,

    /// <summary>No connection, or one that broke.</summary>
    Unreachable,

    /// <summary>No complete answer in time.</summary>
    TimedOut,

    /// <summary>The host has failed so often that it is left alone for a while; nothing was sent.</summary>
    Resting,
}

/// <summary>A call without an answer; the message names the host, and nothing else of the address.</summary>
public sealed class OutgoingException(OutgoingFault fault, string message, TimeSpan? retryAfter, Exception inner) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public OutgoingFault Fault => fault;

    /// <summary>How long to wait before the next try, where that is known.</summary>
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>False when no later try can succeed.</summary>
    public bool IsTemporary => fault != OutgoingFault.Refused;
}
