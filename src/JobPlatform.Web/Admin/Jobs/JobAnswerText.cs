using JobPlatform.Core.Jobs;

namespace JobPlatform.Web.Admin.Jobs;

/// <summary>Why a change of a definition was not made, in sentences.</summary>
internal static class JobAnswerText
{
    public static string Of(JobAnswer answer) => answer switch
    {
        JobAnswer.Unknown { Message: var message } => message,
        JobAnswer.UnknownVersion { Message: var message } => message,
        JobAnswer.Exists { Message: var message } => message,
        JobAnswer.Stale { Message: var message } => message,
        JobAnswer.Invalid { Faults: var faults } => string.Join(' ', faults),
        _ => throw new InvalidOperationException($"{answer} is an answer that the pages do not know."),
    };
}
