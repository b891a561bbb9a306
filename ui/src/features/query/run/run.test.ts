import { expect, it } from 'vitest';
import { ResultTable } from '../../../lib/resultTable';
import { withRun, type Run } from './run';

const run = (id: string, part: Partial<Run> = {}): Run => ({
  id,
  sql: 'select 1',
  params: undefined,
  from: 0,
  phase: 'running',
  startedAt: 0,
  elapsedMs: 0,
  table: new ResultTable(),
  nRows: 0,
  nColumns: 0,
  freshnessMs: null,
  progress: { rowsRead: null, bytesRead: null },
  error: null,
  isPartial: false,
  isRestored: false,
  isLive: false,
  ...part,
});

const done = (id: string, part: Partial<Run> = {}) => run(id, { phase: 'finished', nRows: 5, nColumns: 1, ...part });

it('keeps the old rows in sight until the new statement has some', () => {
  const first = withRun(undefined, done('a'));
  const second = withRun(first, run('b'));
  expect([second.newest.id, second.shown.id]).toEqual(['b', 'a']);
  expect(withRun(second, run('b', { nRows: 1 })).shown.id).toBe('b');
  expect(withRun(second, run('b', { phase: 'finished', nColumns: 1 })).shown.id).toBe('b');
});

it('shows why a statement failed, and does not pretend that old rows are its answer', () => {
  const first = withRun(undefined, done('a'));
  expect(withRun(withRun(first, run('b')), run('b', { phase: 'failed' })).shown.id).toBe('b');
});

it('remembers the rows before a live run, for as long as that run lasts', () => {
  const first = withRun(undefined, done('a'));
  const live = withRun(withRun(first, run('b', { isLive: true })), done('b', { isLive: true }));
  expect(live.before).toBe(first.shown.table);
  expect(withRun(live, done('b', { isLive: true })).before).toBe(first.shown.table);
  expect(withRun(live, done('c')).before).toBeNull();
});

it('logs what people ran, once each, and live runs only when they fail', () => {
  let runs = withRun(undefined, run('a'));
  runs = withRun(runs, done('a'));
  runs = withRun(runs, done('b', { isLive: true }));
  runs = withRun(runs, run('c', { isLive: true, phase: 'failed' }));
  expect(runs.log.map((each) => each.id)).toEqual(['c', 'a']);
});
