using System.Net.Sockets;
using System.Security.Authentication;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Directories;

/// <summary>What is wrong with a directory or the way to it.</summary>
public enum DirectoryFault
{
    /// <summary>The definition, or its stored secret, cannot be used as it is.</summary>
    Definition,

    /// <summary>The address is not allowed.</summary>
    AddressRefused,

    /// <summary>The host's name has no address.</summary>
    NameNotFound,

    /// <summary>The host is there, and nobody listens at the port.</summary>
    ConnectionRefused,

    /// <summary>No connection, one that broke, or no answer in time.</summary>
    Unreachable,

    /// <summary>No encryption: a certificate that is not believed, or a server that does not offer it.</summary>
    Tls,

    /// <summary>The user, the password or the token is wrong, or may not read.</summary>
    Credentials,

    /// <summary>There is no entry of that base DN, or no SCIM at that URL.</summary>
    BaseNotFound,

    /// <summary>The list of users is empty.</summary>
    NoRows,

    /// <summary>It asks to come less often.</summary>
    Throttled,

    /// <summary>It failed.</summary>
    Unavailable,

    /// <summary>Its answer is not what it should be.</summary>
    NotUnderstood,
}

/// <summary>A directory that cannot be read; the message says what to do and holds no secret.</summary>
public sealed class DirectoryException(DirectoryFault fault, string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What is wrong.</summary>
    public DirectoryFault Fault => fault;

    /// <summary>The end of a run that met it. What only a person can mend is not tried again: one more wrong password may
    /// lock the account.</summary>
    public RunOutcome ToOutcome() =>
        fault is DirectoryFault.NameNotFound or DirectoryFault.ConnectionRefused or DirectoryFault.Unreachable or DirectoryFault.Throttled
            or DirectoryFault.Unavailable or DirectoryFault.NotUnderstood
            ? RunOutcome.Fail(Message, retryAfter)
            : RunOutcome.FailForGood(Message);

    /// <summary>What a failure of the network means; null for one that is none.</summary>
    /// <param name="host">Host and port, for the message.</param>
    /// <param name="exception">The failure, perhaps within others.</param>
    internal static DirectoryException? OfNetwork(string host, Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
            switch (cause)
            {
                case DirectoryException known:
                    return known;
                case AddressRefusedException:
                    return new(DirectoryFault.AddressRefused, $"url: {cause.Message}", null, exception);
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                    return new(DirectoryFault.NameNotFound, $"url: the name of {host} has no address. Check its spelling, and the DNS of this machine.", null, exception);
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return new(DirectoryFault.ConnectionRefused, $"url: nobody listens at {host}. Check the port, and that the directory runs.", null, exception);
                case AuthenticationException:
                    return new(DirectoryFault.Tls, $"url: no encrypted connection to {host}: {cause.Message.TrimEnd('.')}.", null, exception);
            }
        return exception is IOException or SocketException or HttpRequestException or OutgoingException
            ? new(DirectoryFault.Unreachable, exception is OutgoingException ? exception.Message : $"{host} could not be reached: {exception.GetBaseException().Message.TrimEnd('.')}.",
                (exception as OutgoingException)?.RetryAfter, exception)
            : null;
    }
}
