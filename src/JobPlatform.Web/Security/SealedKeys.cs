using System.Xml.Linq;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Web.Security;

/// <summary>
/// The data-protection keys of cookies in the database, for all web nodes, sealed under <c>JOBS_SECRET_KEY</c>. One that
/// does not open any more is left out: its sessions end, and the framework makes another. Thread-safe.
/// </summary>
internal sealed partial class SealedKeys(PlatformDatabase database, SecretBox box, ILogger<SealedKeys> log) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var connection = database.Source.OpenConnection();
        var elements = new List<XElement>();
        foreach (var (id, text) in connection.Query<(string, byte[])>("SELECT id, sealed FROM jobplatform.data_protection_keys ORDER BY created_at, id"))
        {
            try
            {
                elements.Add(XElement.Parse(box.Open(Purpose(id), text)));
            }
            catch (SecretBoxException e)
            {
                LogUnreadable(e.Message);
            }
        }
        return elements;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var connection = database.Source.OpenConnection();
        connection.Execute("INSERT INTO jobplatform.data_protection_keys (id, sealed) VALUES (@friendlyName, @text)",
            new { friendlyName, text = box.Seal(Purpose(friendlyName), element.ToString(SaveOptions.DisableFormatting)) });
    }

    private static string Purpose(string id) => $"data_protection:{id}";

    [LoggerMessage(3031, LogLevel.Warning, "A key of sessions is left out, and whoever signed in under it must sign in again. {Fault}")]
    private partial void LogUnreadable(string fault);
}
