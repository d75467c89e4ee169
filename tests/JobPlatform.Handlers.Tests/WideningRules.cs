using System.Reflection;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Handlers.Tests;

/// <summary>A destructive handler says of each of its fields whether it bounds what is deleted.</summary>
public sealed class WideningRules
{
    // How it is done, to whom, and with what is left: none of them widens what a run deletes.
    private static readonly string[] NoBounds = ["BatchSize", "Confirm", "OrganisationId", "ProjectId", "MessageId", "ChatId", "Top", "OverlapMinutes", "ListLimit"];

    [Test]
    public void Every_number_and_flag_of_a_destructive_handler_is_a_bound_or_known_to_be_none()
    {
        var undecided =
            from handler in new HandlerCatalog([typeof(HandlersAssembly).Assembly], new ConfigurationBuilder().Build()).All
            where handler.IsDestructive
            from property in handler.ConfigType.GetProperties()
            let type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType
            where type.IsPrimitive && !property.IsDefined(typeof(DeletesMoreWhenAttribute)) && !NoBounds.Contains(property.Name)
            select $"{handler.Key}: {property.Name} needs [DeletesMoreWhen(…)], or a place in the list.";

        Assert.That(undecided, Is.Empty);
    }
}
