import { expect, it } from 'vitest';
import { ResultTable } from '../../../lib/resultTable';
import type { Run } from '../run/run';
import { statusLine } from './statusLine';

const run = (part: Partial<Run>): Run => ({
  id: 'q',
  sql: 'select 1',
  params: undefined,
  from: 0,
  phase: 'finished',
  startedAt: 0,
  elapsedMs: 140.3,
  table: new ResultTable(),
  nRows: 840,
  nColumns: 4,
  freshnessMs: 412,
  progress: { rowsRead: 48213, bytesRead: null },
  error: null,
  isPartial: false,
  isRestored: false,
  isLive: false,
  ...part,
});
const plain = (part: Partial<Run>) => statusLine(run(part)).replaceAll('\u202f', ' ');

it('says rows, time, what was read, and how far the data is behind', () => {
  expect(plain({})).toBe('840 rows · 140 ms · read 48,213 rows · data 0.4 s behind the stream');
  expect(plain({ nRows: 1, elapsedMs: 0.2, progress: { rowsRead: null, bytesRead: null }, freshnessMs: null })).toBe('1 row · 1 ms');
});

it('is honest about what was not taken', () => {
  expect(plain({ isPartial: true, nRows: 100_000 })).toContain('first 100,000 rows of more');
});

it('says how far it came', () => {
  expect(plain({ phase: 'running', nRows: 0, progress: { rowsRead: 1200, bytesRead: 2048 } })).toBe('Running · read 1,200 rows · 2 KiB');
  expect(plain({ phase: 'cancelled', nRows: 12_000 })).toBe('Cancelled after 12,000 rows');
  expect(plain({ phase: 'cancelled', nRows: 0 })).toBe('Cancelled before the first row');
  expect(plain({ phase: 'failed', nRows: 5 })).toBe('Failed after 5 rows');
});
