namespace JobPlatform.Core.Stripe;

/// <summary>What kind of failure a call of Stripe met.</summary>
public enum StripeFault
{
    /// <summary><c>STRIPE_SECRET_KEY</c> is not set; nothing was sent.</summary>
    NotConfigured,

    /// <summary>The key is wrong, revoked, or may not do this (401, 403).</summary>
    KeyRefused,

    /// <summary>There is no such object in the key's account and mode (404).</summary>
    NotFound,

    /// <summary>Stripe does not accept the request (other 4xx); the same one never succeeds.</summary>
    Refused,

    /// <summary>Too many requests (429), also after waiting.</summary>
    Throttled,

    /// <summary>Stripe failed (5xx) or was not reached.</summary>
    Unavailable,

    /// <summary>The answer is none that Stripe gives; an address of something else, or a newer form.</summary>
    NotUnderstood,
}

/// <summary>A call of Stripe that has no good answer; the message says what to do and holds no key.</summary>
public sealed class StripeException(StripeFault fault, string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure.</summary>
    public StripeFault Fault => fault;

    /// <summary>How long Stripe asks to wait; null when it does not say.</summary>
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>True when the same call may succeed later.</summary>
    public bool IsTemporary => fault is StripeFault.Throttled or StripeFault.Unavailable;

    /// <summary>The end of a run that met it: tried again, not before Stripe asks for it, or failed for good.</summary>
    public Handlers.RunOutcome ToOutcome() =>
        IsTemporary ? Handlers.RunOutcome.Fail(Message, retryAfter) : Handlers.RunOutcome.FailForGood(Message);
}
