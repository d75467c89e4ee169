using JobPlatform.Core.Runs;

namespace JobPlatform.Web.Admin.Runs;

/// <summary>What became of a request to run something: the run, or why not, in sentences.</summary>
internal static class RunAnswerText
{
    public static (Guid? RunId, string? Fault) Read(RunAnswer answer) => answer switch
    {
        RunAnswer.Enqueued { RunId: var id } => (id, null),
        RunAnswer.Existing { RunId: var id } => (id, null),
        RunAnswer.UnknownJob { Message: var message } => (null, message),
        RunAnswer.Disabled { Message: var message } => (null, message),
        RunAnswer.InvalidPayload { Faults: var faults } => (null, "The payload does not fit. " + string.Join(' ', faults)),
        _ => throw new InvalidOperationException($"{answer} is an answer that the pages do not know."),
    };
}
