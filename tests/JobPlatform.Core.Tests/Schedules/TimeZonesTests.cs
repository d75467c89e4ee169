using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class TimeZonesTests
{
    [TestCase("UTC")]
    [TestCase("Europe/Berlin")]
    [TestCase("America/Argentina/Buenos_Aires")]
    [TestCase("Etc/GMT+5")]
    [TestCase("US/Eastern")]
    public void An_IANA_name_is_found(string id) => Assert.That(TimeZones.Find(id).Id, Is.EqualTo(id));

    [TestCase(null, "time zone '' is empty: use an IANA name such as 'Europe/Berlin', or 'UTC'")]
    [TestCase("", "time zone '' is empty: use an IANA name such as 'Europe/Berlin', or 'UTC'")]
    [TestCase("Europe/Berln", "time zone 'Europe/Berln' is not known: did you mean 'Europe/Berlin'?")]
    [TestCase("europe/berlin", "time zone 'europe/berlin' is not known: did you mean 'Europe/Berlin'?")]
    [TestCase("America/New York", "time zone 'America/New York' is not known: did you mean 'America/New_York'?")]
    [TestCase("new york", "time zone 'new york' is not known: did you mean 'America/New_York'?")]
    [TestCase("Tokyo", "time zone 'Tokyo' is not known: did you mean 'Asia/Tokyo'?")]
    [TestCase("utc", "time zone 'utc' is not known: did you mean 'UTC'?")]
    [TestCase("W. Europe Standard Time", "time zone 'W. Europe Standard Time' is not known: did you mean 'Europe/Berlin'?")]
    [TestCase("Atlantis", "time zone 'Atlantis' is not known: use an IANA name such as 'Europe/Berlin', or 'UTC'")]
    [TestCase("localtime", "time zone 'localtime' is not known: use an IANA name such as 'Europe/Berlin', or 'UTC'")]
    [TestCase("Europe", "time zone 'Europe' is not known: use an IANA name such as 'Europe/Berlin', or 'UTC'")]
    [TestCase("right/Europe/Berlin", "time zone 'right/Europe/Berlin' is not known: did you mean 'Europe/Berlin'?")]
    [TestCase("../../../etc/passwd", "time zone '../../../etc/passwd' is not known: use an IANA name such as 'Europe/Berlin', or 'UTC'")]
    public void An_unknown_name_is_refused_with_the_nearest_one(string? id, string sentence)
    {
        Assert.That(TimeZones.TryFind(id, out var zone, out var error), Is.False);
        Assert.Multiple(() =>
        {
            Assert.That(zone, Is.Null);
            Assert.That(error, Is.EqualTo(sentence));
            Assert.That(() => TimeZones.Find(id!),
                Throws.TypeOf<TimeZoneNotFoundException>().With.Message.EqualTo(sentence));
        });
    }

    [Test]
    public void A_very_long_name_is_cut_in_the_sentence()
    {
        TimeZones.TryFind(new string('x', 5000), out _, out var error);

        Assert.That(error, Has.Length.LessThan(150));
    }
}
