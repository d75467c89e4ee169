using System.Text.Encodings.Web;

namespace JobPlatform.Web.Security;

/// <summary>The page at <c>/admin/sign-in</c>: one form, no script.</summary>
/// <param name="CsrfToken">Of the browser that gets it.</param>
/// <param name="ReturnTo">Where to go afterwards, an address of this server.</param>
/// <param name="HasProvider">Whether one may also sign in by OpenID Connect.</param>
internal sealed record SignInPage(string CsrfToken, string ReturnTo, bool HasProvider)
{
    /// <summary>What was typed before.</summary>
    public string Email { get; init; } = "";

    /// <summary>Why it did not work.</summary>
    public string? Fault { get; init; }

    public string Write() =>
        $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <meta name="color-scheme" content="light dark">
          <title>Sign in – JobPlatform</title>
          <link rel="stylesheet" href="/admin/sign-in.css">
        </head>
        <body>
          <main>
            <h1>JobPlatform</h1>
            {(Fault is null ? "" : $"""<p class="fault" role="alert">{Encode(Fault)}</p>""")}
            <form method="post" action="/admin/sign-in">
              <input type="hidden" name="{CrossSiteGuard.Field}" value="{Encode(CsrfToken)}">
              <input type="hidden" name="return_to" value="{Encode(ReturnTo)}">
              <label for="email">E-mail</label>
              <input id="email" name="email" type="email" value="{Encode(Email)}" autocomplete="username" required{(Email.Length == 0 ? " autofocus" : "")}>
              <label for="password">Password</label>
              <input id="password" name="password" type="password" autocomplete="current-password" required{(Email.Length == 0 ? "" : " autofocus")}>
              <button type="submit">Sign in</button>
            </form>
            {(HasProvider ? $"""<a class="provider" href="/admin/sign-in/oidc?return_to={Uri.EscapeDataString(ReturnTo)}">Sign in with single sign-on</a>""" : "")}
          </main>
        </body>
        </html>
        """;

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
