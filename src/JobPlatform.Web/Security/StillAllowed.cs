using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Security;

/// <summary>
/// Whether the caller of a request that goes on and on would still be let in: the session has not ended, the client is
/// not disabled. Thread-safe.
/// </summary>
internal sealed class StillAllowed(KnownClients clients, Sessions sessions)
{
    /// <summary>Asks, at most every few seconds the database.</summary>
    public async ValueTask<bool> AskAsync(HttpContext context, CancellationToken cancellation) => context.FindCaller() switch
    {
        // The server's own key changes with a restart.
        { Kind: CallerKind.Operator } => true,
        { Kind: CallerKind.Client } => await clients.FindAsync(BearerKeyHandler.KeyOf(context.Request)!, context.Connection.RemoteIpAddress) is not null,
        { IsSession: true } => await sessions.IsAliveAsync(context.User, cancellation),
        _ => false,
    };
}
