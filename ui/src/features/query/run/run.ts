/** One run of a statement, as the page shows it. */

import type { ApiError } from '../../../api/client';
import type { SentParameters } from '../../../lib/parameters';
import type { ResultTable } from '../../../lib/resultTable';

export type Progress = { rowsRead: number | null; bytesRead: number | null };

export type Run = {
  /** Chosen here and sent along, so that the statement can be cancelled before its first byte. */
  id: string;
  sql: string;
  /** The parameters as they were sent; unknown of an answer of an earlier visit. */
  params: SentParameters;
  /** Where the statement stood in the editor, for marking errors. */
  from: number;
  phase: 'running' | 'finished' | 'failed' | 'cancelled';
  /** Milliseconds since the epoch. */
  startedAt: number;
  elapsedMs: number;
  table: ResultTable;
  /** The number of rows and columns at this moment; the table itself grows in place. */
  nRows: number;
  nColumns: number;
  freshnessMs: number | null;
  progress: Progress;
  error: ApiError | null;
  /** Whether more rows exist than were taken. */
  isPartial: boolean;
  /** Whether it came from this browser's storage and not from the server. */
  isRestored: boolean;
  /** Whether it was started by "live" and not by a person. */
  isLive: boolean;
};

/** What a tab shows of its runs: the newest, and the rows in sight, which stay until the newest has some of its own. */
export type TabRuns = {
  newest: Run;
  shown: Run;
  /** The rows before a live run, so that what changed can be seen. */
  before: ResultTable | null;
  log: readonly Run[];
};

const LOG_MAX = 50;

/** The tab's runs after a run began or changed. */
export function withRun(runs: TabRuns | undefined, run: Run): TabRuns {
  const hasSomething = run.nRows > 0 || (run.phase === 'finished' && run.nColumns > 0);
  const isFirst = runs === undefined;
  const keepsOld = !isFirst && !hasSomething && runs.shown.id !== run.id && runs.shown.nRows > 0 && run.phase !== 'failed';
  const shown = keepsOld ? runs.shown : run;
  const before = !run.isLive || isFirst ? null : runs.shown.id === shown.id ? runs.before : runs.shown.table;
  const others = (runs?.log ?? []).filter((each) => each.id !== run.id);
  // Live runs come every second; only what a person started, or what failed, is worth a line.
  const log = run.isLive && run.phase !== 'failed' ? others : [run, ...others].slice(0, LOG_MAX);
  return { newest: run, shown, before, log };
}
