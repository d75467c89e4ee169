namespace JobPlatform.Web.Admin.JobForms;

/// <summary>What somebody has typed into a form, field by field, right or wrong.</summary>
public interface IFormText
{
    /// <summary>What is typed into a field; empty for nothing.</summary>
    string this[string field] { get; }
}
