using System.Formats.Asn1;
using JobPlatform.Core.Ldap;

namespace JobPlatform.Core.Tests.Ldap;

public sealed class LdapTextTests
{
    [TestCase("(cn=*)", "8702636E")]
    [TestCase("(cn=a)", "A3070402636E040161")]
    [TestCase(@"(cn=\2a)", "A3070402636E04012A")]
    [TestCase("(cn>=a)", "A5070402636E040161")]
    [TestCase("(!(cn=*))", "A2048702636E")]
    [TestCase("(&(cn=*)(|(cn=*)))", "A00A8702636EA1048702636E")]
    [TestCase("(cn=a*b*c)", "A40F0402636E3009800161810162820163")]
    [TestCase("(u:1.2:=2)", "A90B8103312E32820175830132")]
    [TestCase("(cn=ü)", "A3080402636E0402C3BC")]
    public void A_filter_is_written_as_the_protocol_has_it(string filter, string bytes)
    {
        var writer = new AsnWriter(AsnEncodingRules.BER);
        LdapFilter.Write(writer, filter);

        Assert.That(Convert.ToHexString(writer.Encode()), Is.EqualTo(bytes));
        Assert.That(LdapFilter.FindFault(filter), Is.Null);
    }

    [TestCase("")]
    [TestCase("cn=a")]
    [TestCase("(cn=a")]
    [TestCase("(cn=a))")]
    [TestCase("(=a)")]
    [TestCase("(!)")]
    [TestCase("(&(cn=a)")]
    [TestCase(@"(cn=\zz)")]
    [TestCase("(c n=a)")]
    public void What_is_no_filter_is_said_to_be_none(string filter) =>
        Assert.That(LdapFilter.FindFault(filter), Does.Contain("such as (").Or.Contain("Write a filter such as"));

    [TestCase("uid=Ada,ou=People,dc=x", "UID = ada , OU=people;DC=X")]
    [TestCase(@"cn=Lovelace\, Ada,dc=x", @"CN=lovelace\2C  ada,dc=x")]
    [TestCase("cn=Jürgen,dc=x", @"cn=J\c3\bcrgen,dc=x")]
    [TestCase(@"cn=a\+b+sn=c,dc=x", @"cn=a\2bb + sn=C,dc=x")]
    public void Spellings_of_one_name_are_one(string one, string other) =>
        Assert.That(LdapName.Normalize(one), Is.EqualTo(LdapName.Normalize(other)));

    [Test]
    public void A_comma_within_a_name_does_not_part_it() =>
        Assert.That(LdapName.Normalize(@"cn=a\,b,dc=x"), Is.Not.EqualTo(LdapName.Normalize("cn=a,b,dc=x")));
}
