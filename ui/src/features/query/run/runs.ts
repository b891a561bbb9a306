/** The runs of all tabs, outside of React: a statement goes on while another tab, or another page, is looked at. */

import { asApiError, isAbort, type ErrorBody } from '../../../api/client';
import { live } from '../../../api/live';
import type { ArrowMessage } from '../../../lib/arrow';
import { ResultTable } from '../../../lib/resultTable';
import { keepResult } from '../tabs/tabDatabase';
import { BYTES_MAX, KEPT_BYTES_MAX, ROWS_MAX } from './limits';
import type { Run, TabRuns } from './run';
import { withRun } from './run';
import { cancelStatement, queryState, runStatement, type QueryState, type Statement } from './runStatement';

const PROGRESS_AFTER_MS = 400;

type Active = { run: Run; abort: AbortController; stopProgress: () => void; messages: Uint8Array<ArrayBuffer>[] };

export type RunRequest = Omit<Statement, 'id'> & { from: number };

const byTab = new Map<string, TabRuns>();
const active = new Map<string, Active>();
const listeners = new Set<() => void>();
let frameAsked = false;

export function runsOf(tab: string): TabRuns | undefined {
  return byTab.get(tab);
}

export function subscribeRuns(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Runs a statement for a tab; a statement still running there is superseded and cancelled. */
export async function startRun(tab: string, request: RunRequest): Promise<Run> {
  void cancelRun(tab);
  const id = newQueryId();
  const run = newRun(id, request);
  const one: Active = { run, abort: new AbortController(), stopProgress: followProgress(tab, id), messages: [] };
  active.set(tab, one);
  put(tab, run);
  const begun = performance.now();
  const reader = { onStart: (freshnessMs: number | null) => update(tab, id, { freshnessMs }), onMessage: (message: ArrowMessage) => takeMessage(tab, one, message) };
  try {
    const { isWhole } = await runStatement({ ...request, id }, reader, one.abort.signal);
    update(tab, id, { phase: 'finished', isPartial: !isWhole, elapsedMs: performance.now() - begun });
  } catch (error) {
    const end = isAbort(error) ? { phase: 'cancelled' as const } : { phase: 'failed' as const, error: asApiError(error) };
    update(tab, id, { ...end, elapsedMs: performance.now() - begun });
  }
  one.stopProgress();
  if (active.get(tab) === one) active.delete(tab);
  keep(tab, one);
  await readTotals(tab, one);
  return one.run;
}

function newRun(id: string, request: RunRequest): Run {
  return {
    id,
    sql: request.sql,
    params: request.params,
    from: request.from,
    phase: 'running',
    startedAt: Date.now(),
    elapsedMs: 0,
    table: new ResultTable(),
    nRows: 0,
    nColumns: 0,
    freshnessMs: null,
    progress: { rowsRead: null, bytesRead: null },
    error: null,
    isPartial: false,
    isRestored: false,
    isLive: request.isLive,
  };
}

/** Cancels what runs in a tab. Rows that arrived stay. */
export async function cancelRun(tab: string): Promise<void> {
  const one = active.get(tab);
  if (one === undefined) return;
  one.abort.abort(new DOMException('cancelled', 'AbortError'));
  await cancelStatement(one.run.id).catch(() => undefined);
}

/** Shows an answer of an earlier visit. */
export function restoreRun(tab: string, run: Run): void {
  if (!byTab.has(tab)) put(tab, run);
}

export function forgetRuns(tab: string): void {
  void cancelRun(tab);
  // What still arrives for it finds nobody, and is not kept.
  active.delete(tab);
  byTab.delete(tab);
}

function takeMessage(tab: string, one: Active, message: ArrowMessage): boolean {
  const { table } = one.run;
  table.add(message);
  if (table.nBytes <= KEPT_BYTES_MAX) one.messages.push(message.bytes);
  update(tab, one.run.id, { nRows: Math.min(table.nRows, ROWS_MAX), nColumns: table.columns.length });
  return table.nRows <= ROWS_MAX && table.nBytes <= BYTES_MAX;
}

/** What the server counted. It is worth showing, but its absence is no reason to trouble anybody. */
async function readTotals(tab: string, one: Active): Promise<void> {
  if (one.run.isLive || one.run.error?.status === 0) return;
  try {
    showProgress(tab, await queryState(one.run.id));
  } catch {
    return;
  }
}

function showProgress(tab: string, state: QueryState): void {
  update(tab, state.id, { progress: { rowsRead: state.rows_read ?? null, bytesRead: state.bytes_read ?? null } });
}

/** Short statements are over before their progress could be read. */
function followProgress(tab: string, id: string): () => void {
  let stop: (() => void) | null = null;
  const timer = setTimeout(() => {
    stop = live.subscribe<QueryState>({
      topic: `query/${id}/progress`,
      credit: 50,
      onMessages: (messages) => {
        const newest = messages.at(-1);
        if (newest !== undefined) showProgress(tab, newest.data);
      },
      onError: (_error: ErrorBody) => undefined,
    });
  }, PROGRESS_AFTER_MS);
  return () => {
    clearTimeout(timer);
    stop?.();
  };
}

function keep(tab: string, one: Active): void {
  // One that was superseded is still "running" here, and its rows are not the tab's any more.
  const isOver = one.run.phase === 'finished' || one.run.phase === 'cancelled';
  if (one.run.isLive || !isOver) return;
  const { id, sql, startedAt, elapsedMs, freshnessMs, isPartial } = one.run;
  const fits = one.run.table.nBytes <= KEPT_BYTES_MAX;
  void keepResult(tab, fits ? { id, sql, startedAt, elapsedMs, freshnessMs, isPartial, messages: one.messages } : null);
}

function update(tab: string, id: string, change: Partial<Run>): void {
  const one = active.get(tab);
  const runs = byTab.get(tab);
  const before = one?.run.id === id ? one.run : runs?.newest.id === id ? runs.newest : undefined;
  if (before === undefined) return;
  const after = { ...before, ...change };
  if (one?.run.id === id) one.run = after;
  put(tab, after);
}

function put(tab: string, run: Run): void {
  byTab.set(tab, withRun(byTab.get(tab), run));
  if (frameAsked) return;
  frameAsked = true;
  // Batches may come faster than frames; one drawing for all of them is enough.
  requestAnimationFrame(() => {
    frameAsked = false;
    for (const listener of listeners) listener();
  });
}

/** `crypto.randomUUID` exists on secure pages only, and this page may be read over plain HTTP. */
export function newQueryId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
