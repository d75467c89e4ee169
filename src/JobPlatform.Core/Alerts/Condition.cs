namespace JobPlatform.Core.Alerts;

/// <summary>Something that is wrong now. Immutable.</summary>
/// <param name="Kind"><c>missed_run</c>, <c>run_too_long</c>, <c>queue_too_deep</c> or <c>mail_stuck</c>.</param>
/// <param name="Subject">What tells it from others of its kind: a job's id, a queue.</param>
/// <param name="JobId">The job that it is about; null for none.</param>
/// <param name="Title">What is wrong, in a few words.</param>
/// <param name="Message">What happened and what to do, in sentences.</param>
/// <param name="Path">Where to look further, below the platform's address.</param>
internal sealed record Condition(string Kind, string Subject, long? JobId, string Title, string Message, string Path)
{
    public string Key => $"{Kind}:{Subject}";
}
