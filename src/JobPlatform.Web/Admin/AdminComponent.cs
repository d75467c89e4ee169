using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Admin;

/// <summary>What every part of a page knows: who looks, and what time it is. Rendered once, on the server.</summary>
public abstract class AdminComponent : ComponentBase
{
    /// <summary>The request that is answered.</summary>
    [CascadingParameter]
    public HttpContext Http { get; set; } = null!;

    /// <summary>The platform's clock.</summary>
    [Inject]
    protected TimeProvider Clock { get; set; } = null!;

    /// <summary>The moment, for relative times.</summary>
    protected DateTimeOffset Now => Clock.GetUtcNow();

    /// <summary>True for a caller whose changes would not be refused; a control for anybody else is not shown.</summary>
    protected bool MayChange => Http.MayChange();

    /// <summary>This page's own address, to come back to after an action.</summary>
    protected string Here => Http.Request.Path + Http.Request.QueryString;

    /// <summary>The token that forms of this page carry.</summary>
    protected string CsrfToken => Http.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(Http).RequestToken!;
}
