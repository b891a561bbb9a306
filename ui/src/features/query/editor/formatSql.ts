/** Lays a statement out. The formatter is large and loaded when it is first asked for. */

/** The text laid out, or null where it cannot be read: then it is left alone. */
export async function formatSql(sql: string): Promise<string | null> {
  const { formatDialect, postgresql } = await import('sql-formatter');
  try {
    return formatDialect(sql, {
      dialect: postgresql,
      keywordCase: 'upper',
      tabWidth: 2,
      expressionWidth: 80,
      paramTypes: { named: [':', '$'], numbered: ['$'] },
    });
  } catch {
    return null;
  }
}
