namespace JobPlatform.Handlers.Deletions;

/// <summary>What belongs to an account, table by table, in the order in which it can be deleted.</summary>
internal static class AccountData
{
    private const string Users = "SELECT part_id FROM public.account_deletion_parts WHERE request_id = @request AND kind = 'user'";
    private const string Chats = $"SELECT id FROM public.chats WHERE user_id IN ({Users})";
    private const string Messages = $"SELECT id FROM public.messages WHERE chat_id IN ({Chats})";
    private const string Workspaces = $"SELECT id FROM public.workspaces WHERE owner_id IN ({Users})";
    private const string Licenses = "SELECT id FROM public.licenses WHERE account_id = @account";

    /// <summary>Each table with the condition of the rows that go. Rows that stay without a name (AI requests, payments) lose it by their foreign keys.</summary>
    public static IReadOnlyList<(string Table, string Where)> Tables { get; } =
    [
        ("message_sources", $"message_id IN ({Messages})"),
        ("message_attachments", $"message_id IN ({Messages})"),
        ("messages", $"chat_id IN ({Chats})"),
        ("active_streams", $"chat_id IN ({Chats})"),
        ("chat_sessions", $"user_id IN ({Users}) OR chat_id IN ({Chats})"),
        ("chats", $"user_id IN ({Users})"),
        ("project_files", $"project_id IN (SELECT id FROM public.projects WHERE user_id IN ({Users}))"),
        ("projects", $"user_id IN ({Users})"),
        // Their address may stand in the invitations of others, too.
        ("workspace_invitations", $"workspace_id IN ({Workspaces}) OR lower(email) IN (SELECT lower(email) FROM public.users WHERE id IN ({Users}))"),
        ("workspaces", $"owner_id IN ({Users})"),
        ("push_subscriptions", $"user_id IN ({Users})"),
        ("auth_sessions", $"user_id IN ({Users})"),
        ("sessions", $"user_id IN ({Users})"),
        ("affiliate_conversions", $"affiliate_id IN ({Users})"),
        ("license_warnings", $"license_id IN ({Licenses})"),
        ("licenses", "account_id = @account"),
        ("subscriptions", "account_id = @account"),
    ];

    /// <summary>Users that belong to no other account, as members or as owners.</summary>
    public const string LoneUsers =
        """
        SELECT u.id FROM public.users u
         WHERE (EXISTS (SELECT FROM public.account_members m WHERE m.account_id = @account AND m.user_id = u.id)
                OR EXISTS (SELECT FROM public.accounts a WHERE a.id = @account AND a.owner_id = u.id))
           AND NOT EXISTS (SELECT FROM public.account_members m WHERE m.user_id = u.id AND m.account_id <> @account)
           AND NOT EXISTS (SELECT FROM public.accounts a WHERE a.owner_id = u.id AND a.id <> @account)
        """;
}
