using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using JobPlatform.Core.Handlers;
using RangeAttribute = System.ComponentModel.DataAnnotations.RangeAttribute;

namespace JobPlatform.Core.Tests.Handlers;

public sealed class ConfigReaderTests
{
    public enum Kind { Small, VeryLarge }

    public sealed record Config : IValidatableObject
    {
        [Range(1, 30)]
        public int DaysToKeep { get; init; } = 7;

        [Required]
        public string? Name { get; init; }

        public Kind Kind { get; init; }

        [Range(1, 9)]
        public int First { get; init; } = 1;

        [Range(1, 9)]
        public int Last { get; init; } = 9;

        public int Span => Last - First;

        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
            First > Last ? [new("First must not be after Last.", [nameof(First), nameof(Last)])] : [];
    }

    public sealed record Pair : IValidatableObject
    {
        public int Number { get; init; }

        public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => [new("The pair does not fit.")];
    }

    [Test]
    public void A_rule_on_the_whole_config_that_names_no_field_is_told_as_it_is() =>
        Assert.That(ConfigReader.Read(typeof(Pair), JsonElement.Parse("{}"), null).Faults.Select(fault => fault.ToString()),
            Is.EqualTo((string[])["The pair does not fit."]));

    [Test]
    public void A_good_config_is_read_with_its_defaults_and_the_payload_laid_over_it()
    {
        var (config, faults) = Read("""{"name": "x", "days_to_keep": 3}""", """{"days_to_keep": 5, "kind": "very_large"}""");

        Assert.That(faults, Is.Empty);
        Assert.That(config, Is.EqualTo(new Config { Name = "x", DaysToKeep = 5, Kind = Kind.VeryLarge }));
    }

    [Test]
    public void Unknown_fields_wrong_types_and_values_out_of_range_are_found_at_once()
    {
        var (config, faults) = Read("""{"nmae": "x", "kind": "huge", "first": null, "days_to_keep": 31, "span": 3}""");

        Assert.That(config, Is.Null);
        Assert.That(faults.Select(fault => fault.ToString()), Is.EqualTo((string[])
        [
            "nmae: there is no such field. Did you mean name? Known: days_to_keep, name, kind, first, last.",
            "kind: \"huge\" is not one of small, very_large.",
            "first: null is not a whole number.",
            "span: there is no such field. Known: days_to_keep, name, kind, first, last.",
            "days_to_keep: 31 is not allowed. The field days_to_keep must be between 1 and 30.",
            "name: missing is not allowed. The name field is required.",
        ]));
    }

    [Test]
    public void A_field_that_cannot_be_read_is_named_once_and_not_also_by_a_rule_on_its_default()
    {
        var (_, faults) = Read("""{"name": 5, "first": 10}""");
        var (_, related) = Read("""{"name": "x", "first": 5, "last": "four"}""");

        Assert.That(faults.Select(fault => fault.Field), Is.EqualTo((string[])["name", "first"]));
        Assert.That(related.Select(fault => fault.Field), Is.EqualTo((string[])["last"]));
    }

    [Test]
    public void A_rule_between_fields_holds()
    {
        var (_, faults) = Read("""{"name": "x", "first": 5, "last": 4}""");

        Assert.That(faults.Single().Message, Does.Contain("must not be after"));
    }

    private static (object? Config, IReadOnlyList<ConfigFault> Faults) Read(string config, string? payload = null) =>
        ConfigReader.Read(typeof(Config), JsonElement.Parse(config), payload is null ? null : JsonElement.Parse(payload));
}
