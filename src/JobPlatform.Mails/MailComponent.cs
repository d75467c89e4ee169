using Microsoft.AspNetCore.Components;

namespace JobPlatform.Mails;

/// <summary>A mail's text as a component: its message, and the texts of one language.</summary>
/// <typeparam name="TMessage">The message that it shows.</typeparam>
public abstract class MailComponent<TMessage> : ComponentBase where TMessage : MailMessage
{
    /// <summary>What it is about.</summary>
    [Parameter, EditorRequired]
    public required TMessage Message { get; set; }

    /// <summary>The language.</summary>
    [Parameter, EditorRequired]
    public required Texts Texts { get; set; }
}

/// <summary>What a mail is about, without its words. Immutable.</summary>
public abstract record MailMessage
{
    /// <summary>The component that shows it.</summary>
    internal abstract Type Component { get; }

    /// <summary>The subject, in one line.</summary>
    internal abstract string SubjectIn(Texts texts);
}
