using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace JobPlatform.Core.Ldap;

/// <summary>Encrypts a connection, and says in a sentence what is wrong with a certificate. Immutable.</summary>
/// <param name="host">Whose certificate it must be.</param>
/// <param name="checks">False to take any certificate.</param>
/// <param name="authorities">The only authorities that are believed, as PEM; null for the system's.</param>
internal sealed class LdapTls(string host, bool checks, string? authorities)
{
    /// <summary>The encrypted stream, which owns the given one.</summary>
    /// <exception cref="AuthenticationException">The certificate is not believed, or the two do not agree.</exception>
    public async Task<Stream> SecureAsync(Stream stream, CancellationToken cancellation)
    {
        string? fault = null;
        var policy = CreatePolicy();
        var secured = new SslStream(stream, leaveInnerStreamOpen: false);
        try
        {
            await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                CertificateChainPolicy = policy,
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                {
                    fault = checks ? FindFault(certificate as X509Certificate2, chain, errors) : null;
                    return fault is null;
                },
            }, cancellation);
            return secured;
        }
        catch (AuthenticationException e)
        {
            await secured.DisposeAsync();
            throw fault is null ? e : new AuthenticationException(fault);
        }
        catch (IOException e)
        {
            await secured.DisposeAsync();
            // What a server does that hears no LDAP of its own kind.
            throw new AuthenticationException($"the server ends the connection instead of beginning to encrypt; ports for ldap:// take StartTLS alone ({e.Message.Trim()})", e);
        }
        catch
        {
            await secured.DisposeAsync();
            throw;
        }
        finally
        {
            foreach (var authority in policy.CustomTrustStore) authority.Dispose();
        }
    }

    private X509ChainPolicy CreatePolicy()
    {
        // Most companies' own authorities publish no lists of revoked certificates. An issuer is not fetched from wherever
        // the server's certificate says: that would be a request to the inside, at the server's word.
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (authorities is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.ImportFromPem(authorities);
        return policy;
    }

    private string? FindFault(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None) return null;
        if (certificate is null) return "the server shows no certificate";
        var status = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status) ?? X509ChainStatusFlags.NoError;
        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid))
            return $"a certificate of the server is not valid at this time (its own from {Day(certificate.NotBefore)} to {Day(certificate.NotAfter)}); let it be renewed";
        if (status.HasFlag(X509ChainStatusFlags.UntrustedRoot) || status.HasFlag(X509ChainStatusFlags.PartialChain))
            return $"the server's certificate is of an authority that is not known ('{certificate.Issuer}'); give the authority's certificate as ldap.ca_certificates";
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            ? $"the server's certificate is of '{certificate.Subject}' and not of {host}; give the name that it is made for"
            : $"the server's certificate is not valid ({status})";
    }

    private static string Day(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
