/** What the wizard asks the server. */

import { request, requestWith, send } from '../../../api/client';
import { parseExact } from '../../../lib/json';
import type { Draft, DraftColumn, Sample, SampleRecord } from './draft';

export type Check = { check: string; state: 'ok' | 'failed' | 'skipped'; ms: number | null; message: string; hint: string | null };

/** Runs the named checks; each is told as it ends. */
export async function testConnection(statement: string, onCheck: (check: Check) => void, signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await send('/api/v1/streams/test', { method: 'POST', headers, body: JSON.stringify({ statement }), signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    const lines = (rest + (value ?? '')).split('\n');
    rest = done ? '' : (lines.pop() ?? '');
    for (const line of lines) if (line.trim() !== '') onCheck(parseExact(line) as Check);
    if (done) return;
  }
}

export type Topic = { name: string; n_partitions: number; n_records: number | string | null };

export async function readTopics(statement: string, signal?: AbortSignal): Promise<Topic[]> {
  return (await requestWith<{ topics: Topic[] }>('POST', '/api/v1/streams/topics', { statement }, { signal })).topics;
}

type SentRecord = SampleRecord & { headers: unknown; encoding: 'utf8' | 'base64' };

export async function takeSample(statement: string, signal?: AbortSignal): Promise<Sample> {
  const answer = await requestWith<{ format: string; why: string; records: SentRecord[] }>('POST', '/api/v1/streams/sample', { statement, limit: 200 }, { signal });
  // One that is not text makes all of them bytes, for they are looked at together.
  const encoding = answer.records.some((record) => record.encoding === 'base64') ? 'base64' : 'utf8';
  const records = answer.records.map(({ partition, position, time, key, payload, encoding: own }) => ({
    partition: String(partition),
    position: String(position),
    time,
    key,
    payload: encoding === 'base64' && own === 'utf8' ? base64Of(payload) : payload,
  }));
  return { format: answer.format, why: answer.why, records, encoding };
}

function base64Of(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

export type Reject = { index: number; reason: string; path: string | null };
export type Preview = { columns: DraftColumn[]; rows: Record<string, unknown>[]; rejects: Reject[]; statement: string };

type SentColumn = { path: string; name: string; type: string; seen: number | null; why: string; examples: unknown[]; required: boolean };

/** What would become of the samples under a statement. */
export async function preview(statement: string, sample: Sample, signal?: AbortSignal): Promise<Preview> {
  const body = { statement, payloads: sample.records.map((record) => record.payload), encoding: sample.encoding };
  const answer = await requestWith<Omit<Preview, 'columns'> & { columns: SentColumn[] }>('POST', '/api/v1/streams/preview', body, { signal });
  const columns = answer.columns.map(({ path, name, type, seen, why, examples, required }) => ({
    path,
    name,
    type,
    isRequired: required,
    isKept: true,
    seen,
    why,
    examples: examples.map((example) => (typeof example === 'string' ? example : JSON.stringify(example))),
  }));
  return { ...answer, columns };
}

const draftPath = (id: string) => `/api/v1/drafts/${encodeURIComponent(id)}`;

export const readDraft = (id: string) => request<Draft>(draftPath(id));
export const keepDraft = (id: string, draft: Draft) => requestWith<unknown>('PUT', draftPath(id), fitting(draft));
export const forgetDraft = (id: string) => requestWith<unknown>('DELETE', draftPath(id));

/** Drafts may hold a megabyte; of large samples fewer are kept. */
const KEPT_CHARS_MAX = 400_000;

function fitting(draft: Draft): Draft {
  if (draft.sample === null) return draft;
  let left = KEPT_CHARS_MAX;
  const records = draft.sample.records.filter((record) => (left -= record.payload.length) >= 0);
  return { ...draft, sample: { ...draft.sample, records } };
}
