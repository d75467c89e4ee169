using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Ldap;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Directories;

/// <summary>What is wrong with a connection that is to be saved: all at once, and no secret shown. Thread-safe.</summary>
internal static partial class DirectoryFaults
{
    private const int LongestName = 100;
    private const int LongestText = 1000;
    private const int LongestCertificates = 50_000;

    /// <param name="definition">What is to be saved.</param>
    /// <param name="secret">The secret to be saved with it; null to keep what is stored.</param>
    /// <param name="before">What is stored; null for a new one.</param>
    /// <param name="guard">The addresses' guard.</param>
    public static List<ConfigFault> Find(DirectoryDefinition definition, string? secret, DirectoryConnection? before, AddressGuard guard)
    {
        var faults = new List<ConfigFault>();
        void Add(bool isWrong, string field, string message)
        {
            if (isWrong) faults.Add(new(field, message));
        }

        Add(!IsText(definition.Company, LongestName), "company", $"it is not a text of 1 to {LongestName} characters.");
        Add(before is not null && definition.Company != before.Company, "company", "it never changes. Make another connection for the other company.");
        Add(!IsText(definition.Name, LongestName), "name", $"it is not a text of 1 to {LongestName} characters.");
        Add(before is not null && definition.Kind != before.Kind, "kind", "it never changes, as the users' ids would be others. Make another connection.");
        Add(definition.PageSize is < 1 or > 1000, "page_size", $"{definition.PageSize} is not a number from 1 to 1000.");
        Add(definition.IntervalMinutes is < 60 or > 43_200, "interval_minutes", $"{definition.IntervalMinutes} is not a number of minutes from 60 to 43200.");
        var url = guard.FindFault(definition.Url, definition.Kind == DirectoryKind.Ldap ? AddressKind.Directory : AddressKind.Web);
        Add(url is not null, "url", url ?? "");
        if (url is null) faults.AddRange(FindInUrl(new Uri(definition.Url), definition.Kind));
        Add(definition.Kind == DirectoryKind.Scim && definition.Ldap is not null, "ldap", "there is no use for it with kind scim. Leave it out.");
        Add(definition.Kind == DirectoryKind.Ldap && definition.Ldap is null, "ldap", "kind ldap needs it, with base_dn at least.");
        if (definition.Ldap is { } ldap) faults.AddRange(FindInLdap(ldap));
        Add(secret is not null && !IsText(secret, LongestText), "secret", $"it is not a text of 1 to {LongestText} characters.");
        var needsSecret = definition.Kind == DirectoryKind.Scim || definition.Ldap?.BindDn is not null;
        Add(!needsSecret && secret is not null, "secret", "there is no use for it without ldap.bind_dn. Leave it out, or say who binds.");
        if (needsSecret && secret is null && url is null && FindAbsence(definition, before) is { } absence) faults.Add(new("secret", absence));
        return faults;
    }

    /// <summary>Scheme, host and port of a URL that has no fault.</summary>
    public static string OriginOf(DirectoryDefinition definition) =>
        Uri.TryCreate(definition.Url, UriKind.Absolute, out var url) ? $"{url.Scheme}://{url.IdnHost}:{AddressGuard.PortOf(url)}" : "";

    private static string? FindAbsence(DirectoryDefinition definition, DirectoryConnection? before)
    {
        if (before?.SecretChangedAt is null) return $"kind {(definition.Kind == DirectoryKind.Scim ? "scim needs the token" : "ldap with bind_dn needs the password")}, and none is stored.";
        // Whoever may change the connection could otherwise have a secret sent to himself that he may not read.
        if (OriginOf(definition) != OriginOf(before)) return "the URL leads to another host now. Give the secret again, as the stored one is sent only where it was meant for.";
        return definition.Ldap is { } now && before.Ldap is { } then && FindWeaker(then, now) is { } setting
            ? $"ldap.{setting} has changed, and others could read it on its way now. Give the secret again, or leave that as it was."
            : null;
    }

    private static string? FindWeaker(LdapSettings before, LdapSettings now)
    {
        if (before.StartTls && !now.StartTls) return "start_tls";
        if (before.CheckCertificate && !now.CheckCertificate) return "check_certificate";
        return before.CaCertificates != now.CaCertificates ? "ca_certificates" : null;
    }

    private static IEnumerable<ConfigFault> FindInUrl(Uri url, DirectoryKind kind)
    {
        if (url.Query.Length > 0 || url.Fragment.Length > 0 || (kind == DirectoryKind.Ldap && url.AbsolutePath is not ("" or "/")))
            yield return new("url", kind == DirectoryKind.Ldap ? "it has more than host and port. Give what follows as ldap.base_dn and ldap.user_filter." : "it has a query or a fragment. Leave them out.");
        // A token is all that it takes to read everybody.
        if (kind == DirectoryKind.Scim && url is { Scheme: "http", IsLoopback: false }) yield return new("url", "the token would be sent in the clear. Give an https:// address.");
    }

    private static IEnumerable<ConfigFault> FindInLdap(LdapSettings ldap)
    {
        foreach (var (field, text) in new[] { ("bind_dn", ldap.BindDn), ("group_base_dn", ldap.GroupBaseDn) })
            if (text is not null && !IsText(text, LongestText)) yield return new($"ldap.{field}", $"it is not a text of 1 to {LongestText} characters. Leave it out for none.");
        if (!IsText(ldap.BaseDn, LongestText)) yield return new("ldap.base_dn", "it is not set. Give the entry below which the users are, such as ou=people,dc=example,dc=com.");
        foreach (var (field, filter) in new[] { ("user_filter", ldap.UserFilter), ("group_filter", ldap.GroupFilter) })
            if (LdapFilter.FindFault(filter) is { } fault) yield return new($"ldap.{field}", fault);
        foreach (var (field, name) in new[]
        {
            ("id_attribute", ldap.IdAttribute), ("user_name_attribute", ldap.UserNameAttribute), ("email_attribute", ldap.EmailAttribute),
            ("given_name_attribute", ldap.GivenNameAttribute), ("family_name_attribute", ldap.FamilyNameAttribute), ("display_name_attribute", ldap.DisplayNameAttribute),
            ("group_name_attribute", ldap.GroupNameAttribute), ("member_attribute", ldap.MemberAttribute),
        })
            if (!Attribute().IsMatch(name)) yield return new($"ldap.{field}", "it is no attribute's name: up to 100 letters, digits, dashes and dots, such as uid.");
        if (ldap.CaCertificates is { } pem && !IsPem(pem)) yield return new("ldap.ca_certificates", "it holds no certificate. Give the text of a PEM file, -----BEGIN CERTIFICATE----- and so on.");
    }

    private static bool IsText(string? text, int longest) => text is { Length: > 0 } && text.Length <= longest && !text.Any(char.IsControl);

    private static bool IsPem(string pem)
    {
        if (pem.Length > LongestCertificates) return false;
        try
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPem(pem);
            foreach (var certificate in read) certificate.Dispose();
            return read.Count > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9.-]{0,99}\z")]
    private static partial Regex Attribute();
}
