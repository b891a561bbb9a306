/** Small statements of the app itself. Results meant for people to explore go through Arrow on the Query page instead. */

import { requestWith } from './client';

export type Row = Record<string, unknown>;
export type SqlColumn = { name: string; type: string };
export type SqlAnswer<R extends Row = Row> = {
  columns: SqlColumn[];
  data: R[];
  n_rows: number;
  snapshot: number | null;
  freshness_ms: number | null;
  elapsed_ms: number;
};

export type Parameters = Record<string, unknown> | unknown[];

/** Runs one statement and returns its rows. */
export async function runSql<R extends Row = Row>(sql: string, params?: Parameters, signal?: AbortSignal): Promise<SqlAnswer<R>> {
  const answer = await requestWith<SqlAnswer<R>>('POST', '/api/v1/query', params ? { sql, params } : { sql }, { signal });
  return { ...answer, data: answer.data ?? [], columns: answer.columns ?? [] };
}

/** Runs one statement and returns only its rows. */
export async function rowsOf<R extends Row = Row>(sql: string, params?: Parameters, signal?: AbortSignal): Promise<R[]> {
  return (await runSql<R>(sql, params, signal)).data;
}
