using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace JobPlatform.Web.Admin.Parts;

/// <summary>A text in a drawing. Not a Razor file: there the element's name means something else.</summary>
public sealed class Label : ComponentBase
{
    /// <summary>Where it stands.</summary>
    [Parameter, EditorRequired] public int X { get; set; }

    /// <summary>Its base line.</summary>
    [Parameter, EditorRequired] public int Y { get; set; }

    /// <summary><c>start</c>, <c>middle</c> or <c>end</c>: what of it is at <see cref="X"/>.</summary>
    [Parameter] public string Anchor { get; set; } = "end";

    /// <summary>What it says.</summary>
    [Parameter, EditorRequired] public string Text { get; set; } = "";

    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenElement(0, "text");
        builder.AddAttribute(1, "class", "label");
        builder.AddAttribute(2, "x", X);
        builder.AddAttribute(3, "y", Y);
        builder.AddAttribute(4, "text-anchor", Anchor);
        builder.AddContent(5, Text);
        builder.CloseElement();
    }
}
