/** Sends a statement and reads its rows as they come. */

import { ApiError, asApiError, isAbort, request, send, type ErrorBody } from '../../../api/client';
import { ArrowSplitter, type ArrowMessage } from '../../../lib/arrow';
import { toServerSyntax, type SentParameters } from '../../../lib/parameters';

export type Statement = { id: string; sql: string; params: SentParameters; isLive: boolean };

export type Reader = {
  onStart: (freshnessMs: number | null) => void;
  /** Returns whether more is wanted. */
  onMessage: (message: ArrowMessage) => boolean;
};

export type QueryState = {
  id: string;
  state: 'running' | 'finished' | 'failed' | 'cancelled';
  elapsed_ms: number;
  n_rows: number | null;
  rows_read: number | null;
  bytes_read: number | null;
  error?: ErrorBody | null;
};

/** Resolves with whether all rows were read; rejects with why not, or with an abort. */
export async function runStatement(statement: Statement, reader: Reader, signal: AbortSignal): Promise<{ isWhole: boolean }> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-query-id': statement.id };
  // Only what people run belongs into their history.
  if (!statement.isLive) headers['x-helios-client'] = 'console';
  const body = JSON.stringify({ sql: toServerSyntax(statement.sql), params: statement.params, format: 'arrow' });
  const response = await send('/api/v1/query', { method: 'POST', headers, body, signal });
  reader.onStart(headerNumber(response, 'x-freshness-ms'));
  if (response.body === null) return { isWhole: true };
  const bytes = response.body.getReader();
  const splitter = new ArrowSplitter();
  for (;;) {
    const { done, value } = await nextPiece(bytes, statement.id);
    if (done) break;
    for (const message of splitter.push(value)) {
      if (reader.onMessage(message)) continue;
      await bytes.cancel();
      await cancelStatement(statement.id);
      return { isWhole: false };
    }
  }
  if (!splitter.complete) throw await whyCutOff(statement.id);
  return { isWhole: true };
}

async function nextPiece(bytes: ReadableStreamDefaultReader<Uint8Array>, id: string): Promise<{ done: boolean; value: Uint8Array }> {
  try {
    const { done, value } = await bytes.read();
    return { done, value: value ?? new Uint8Array() };
  } catch (error) {
    if (isAbort(error)) throw error;
    throw await whyCutOff(id);
  }
}

/** An answer that broke off cannot carry its reason any more; the server keeps it. */
async function whyCutOff(id: string): Promise<ApiError> {
  try {
    const state = await queryState(id);
    if (state.error) return new ApiError(state.error, 200);
    if (state.state === 'cancelled') return new ApiError({ code: 'cancelled', message: 'the statement was cancelled on the server' }, 200);
  } catch (error) {
    if (asApiError(error).status === 0) {
      return new ApiError(
        { code: 'unavailable', message: 'the connection to the server was lost', hint: 'The rows that arrived are still here. Run it again when the server is back.' },
        0,
      );
    }
  }
  return new ApiError({ code: 'unavailable', message: 'the answer broke off', hint: 'The rows that arrived are still here, but there are more.' }, 0);
}

export function queryState(id: string): Promise<QueryState> {
  return request<QueryState>(`/api/v1/queries/${encodeURIComponent(id)}`);
}

/** Cancels on the server. That it is already over is what was wanted, too. */
export async function cancelStatement(id: string): Promise<void> {
  try {
    await send(`/api/v1/queries/${encodeURIComponent(id)}`, { method: 'DELETE' });
  } catch (error) {
    if (asApiError(error).code !== 'not_found' && asApiError(error).status !== 0) throw error;
  }
}

function headerNumber(response: Response, name: string): number | null {
  const text = response.headers.get(name);
  return text === null || text === '' ? null : Number(text);
}
