using System.Globalization;

namespace JobPlatform.Core.Redis;

/// <summary>Where Redis is (<c>REDIS_URL</c>). Immutable.</summary>
public sealed record RedisServer
{
    private const string Form = "Give redis://user:password@host:6379/0, or rediss:// for TLS, with special characters percent-encoded.";

    /// <summary>The server's name or address.</summary>
    public required string Host { get; init; }

    /// <summary>The port. Default 6379.</summary>
    public required int Port { get; init; }

    /// <summary>Whether the line is encrypted (<c>rediss</c>).</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>The user, null for the server's default one.</summary>
    public string? User { get; init; }

    /// <summary>The password, null for none.</summary>
    public string? Password { get; init; }

    /// <summary>The number of the database. Default 0.</summary>
    public int Database { get; init; }

    /// <summary>Reads the address; the fault never shows the text.</summary>
    public static bool TryParse(string text, out RedisServer? server, out string? fault)
    {
        (server, fault) = (null, null);
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) || url.Host.Length == 0)
            fault = $"it is not an address. {Form}";
        else if (url.Scheme is not ("redis" or "rediss"))
            fault = $"the scheme '{url.Scheme}' is not redis or rediss. {Form}";
        else if (url.Query.Length > 0 || url.Fragment.Length > 0)
            fault = $"it has options after the database's number, and there are none. {Form}";
        var database = 0;
        if (fault is null && url!.AbsolutePath is not ("" or "/")
            && !int.TryParse(url.AbsolutePath.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out database))
            fault = $"'{url.AbsolutePath[1..]}' is not the number of a database. {Form}";
        if (fault is not null) return false;

        var credentials = url!.UserInfo.Split(':', 2);
        server = new RedisServer
        {
            Host = url.DnsSafeHost,
            Port = url.Port > 0 ? url.Port : 6379,
            IsEncrypted = url.Scheme == "rediss",
            User = credentials[0].Length == 0 ? null : Uri.UnescapeDataString(credentials[0]),
            Password = credentials.Length == 2 ? Uri.UnescapeDataString(credentials[1]) : null,
            Database = database,
        };
        return true;
    }

    /// <summary>Host and port, without the credentials.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}

/// <summary>A failure of Redis, or of the line to it; the message names the server and the command, never a value.</summary>
public sealed class RedisException(string message, Exception? inner = null) : Exception(message, inner);
