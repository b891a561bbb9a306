/** The line under a result: rows, time, what was read, and how far the data is behind the stream. */

import { formatBytes, formatDuration, formatExact, plural, THIN } from '../../../lib/format';
import type { Run } from '../run/run';
import { ROWS_MAX } from '../run/limits';

export function statusLine(run: Run): string {
  switch (run.phase) {
    case 'running':
      return runningLine(run);
    case 'cancelled':
      return run.nRows > 0 ? `Cancelled after ${rows(run.nRows)}` : 'Cancelled before the first row';
    case 'failed':
      return run.nRows > 0 ? `Failed after ${rows(run.nRows)}` : 'Failed';
    case 'finished':
      return finishedLine(run);
  }
}

function runningLine(run: Run): string {
  const parts = [run.nRows > 0 ? `${rows(run.nRows)} so far` : 'Running'];
  if (run.progress.rowsRead !== null) parts.push(`read ${rows(run.progress.rowsRead)}`);
  if (run.progress.bytesRead !== null && run.progress.bytesRead > 0) parts.push(formatBytes(run.progress.bytesRead));
  return parts.join(' · ');
}

function finishedLine(run: Run): string {
  const parts = [run.isPartial ? `first ${rows(Math.min(run.nRows, ROWS_MAX))} of more` : rows(run.nRows), milliseconds(run.elapsedMs)];
  if (run.progress.rowsRead !== null) parts.push(`read ${rows(run.progress.rowsRead)}`);
  if (run.freshnessMs !== null) parts.push(`data ${secondsBehind(run.freshnessMs)} behind the stream`);
  return parts.join(' · ');
}

/** Freshness in seconds with one decimal, as a person compares it; older data in its natural unit. */
function secondsBehind(ms: number): string {
  if (ms < 50) return `less than 0.1${THIN}s`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)}${THIN}s` : formatDuration(ms);
}

function milliseconds(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))}${THIN}ms` : formatDuration(ms);
}

/** Rows are counted exactly: they are an answer, not an impression. */
function rows(n: number): string {
  return Number.isSafeInteger(n) ? `${formatExact(n)} ${n === 1 ? 'row' : 'rows'}` : plural(n, 'row');
}
