using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Tests.Outgoing;

public sealed class AddressTextTests
{
    private static readonly AddressGuard Guard = new(AllowList.Empty);

    [TestCase("https://hooks.example.com/a/b?c=d#e")]
    [TestCase("HTTPS://Hooks.Example.com")]
    [TestCase("http://hooks.example.com:8080/%41")]
    [TestCase("https://xn--bcher-kva.example/")]
    [TestCase("https://8.8.8.8/")]
    [TestCase("https://[2606:4700:4700::1111]:8443/")]
    [TestCase("https://[::ffff:8.8.8.8]/")]
    [TestCase("https://a-b_c.example.com/with@sign")]
    [TestCase("https://1password.com/")]
    [TestCase("https://10.example.com/")]
    public void An_address_of_the_outside_is_accepted(string address) => Assert.That(Guard.FindFault(address), Is.Null);

    [TestCase("ldaps://directory.example.com")]
    [TestCase("ldap://directory.example.com:389")]
    [TestCase("ldaps://directory.example.com:3269/")]
    public void A_directorys_address_passes_the_same_checks(string address)
    {
        Assert.That(Guard.FindFault(address, AddressKind.Directory), Is.Null);
        Assert.That(Guard.FindFault(address), Does.Contain("https://"));
        Assert.That(Guard.FindFault(address.Replace("directory.example.com", "127.0.0.1", StringComparison.Ordinal), AddressKind.Directory), Does.Contain("the machine itself"));
    }

    [TestCase(null, "it is not set. Give an address such as https://hooks.example.com.")]
    [TestCase("hooks.example.com", "it does not begin with https:// or http://. Give an address such as https://hooks.example.com.")]
    [TestCase("https://me:hunter22@example.com", "it holds a user or a password. Leave them out, and give the secret where secrets belong.")]
    [TestCase("https://127.0.0.1/", "'127.0.0.1' is the machine itself. Give one of the public internet, or let the operator allow it with OUTGOING_ALLOW.")]
    [TestCase("https://[::ffff:10.0.0.1]/", "'[::ffff:10.0.0.1]' is an address of a private network. Give one of the public internet, or let the operator allow it with OUTGOING_ALLOW.")]
    [TestCase("https://crm.internal/", "'crm.internal' is a name of the inside. Give one of the public internet, or let the operator allow it with OUTGOING_ALLOW.")]
    [TestCase("https://0x7f.1/", "'0x7f.1': the host is a number: write an IPv4 address as four decimal numbers without leading zeros, such as 192.0.2.1.")]
    [TestCase("https://example.com./", "'example.com.': the host ends in a dot: leave it out.")]
    [TestCase("https://bücher.example/", "'bücher.example': the host is not plain ASCII: write xn--bcher-kva.example, if that is what is meant.")]
    [TestCase("https://example.com:22/", "the port 22 is another service's. Give 80, 443 or one from 1024 on, or let the operator allow it with OUTGOING_ALLOW.")]
    [TestCase("https://example.com:99999/", "'example.com:99999': it is no host, perhaps with a port. Give an address such as https://hooks.example.com.")]
    public void A_fault_says_what_is_wrong_and_what_to_do_and_shows_no_password(string? address, string fault) =>
        Assert.That(Guard.FindFault(address), Is.EqualTo(fault));

    [TestCase("*")]
    [TestCase("10.0.0.0/33")]
    [TestCase("10.0.0.5/8")]
    [TestCase("https://crm.internal")]
    [TestCase("crm.internal:0")]
    [TestCase("crm.internal:http")]
    [TestCase("0x7f.1")]
    [TestCase("[fe80::1%eth0]")]
    public void An_entry_of_the_operators_list_that_cannot_be_read_is_named_and_the_others_hold(string entry)
    {
        var (allowed, faults) = AllowList.Parse($"crm.internal, {entry}");

        Assert.That(faults, Has.Count.EqualTo(1));
        Assert.That(faults[0], Does.StartWith($"'{entry}' is no host, address or network such as "));
        Assert.That(new AddressGuard(allowed).FindFault("https://crm.internal:8443/"), Is.Null);
    }

    [Test]
    public async Task The_resolver_of_directories_gives_checked_addresses_only()
    {
        var guard = new AddressGuard(AllowList.Empty, (_, _) => Task.FromResult<System.Net.IPAddress[]>([System.Net.IPAddress.Parse("10.0.0.9")]));

        Assert.That((await Assert.ThrowsAsync<AddressRefusedException>(() => guard.ResolveAsync("directory.example.com", 636)))!.Message,
            Does.StartWith("'directory.example.com' leads to 10.0.0.9, which is an address of a private network."));
    }
}
