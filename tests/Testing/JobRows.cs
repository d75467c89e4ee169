using Dapper;

namespace JobPlatform.Testing;

/// <summary>Rows that tests put into a database.</summary>
public static class JobRows
{
    /// <summary>Makes a job; columns that are not given keep the table's defaults.</summary>
    /// <param name="database">The database.</param>
    /// <param name="name">The job's name.</param>
    /// <param name="handler">The handler's key.</param>
    /// <param name="columns">Further columns as <c>name = value, …</c> in SQL, such as <c>"max_attempts = 2"</c>.</param>
    public static async Task<long> AddJobAsync(this TestDatabase database, string name, string handler, params string[] columns)
    {
        await using var connection = await database.OpenAsync();
        var id = await connection.ExecuteScalarAsync<long>(
            "INSERT INTO jobplatform.jobs (name, handler) VALUES (@name, @handler) RETURNING id", new { name, handler });
        if (columns.Length > 0)
            await connection.ExecuteAsync($"UPDATE jobplatform.jobs SET {string.Join(", ", columns)} WHERE id = @id", new { id });
        return id;
    }
}
