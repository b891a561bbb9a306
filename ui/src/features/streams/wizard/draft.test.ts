import { describe, expect, it } from 'vitest';
import { canRename, columnProblem, emptyDraft, guessEventTime, isDone, mergeColumns, nameProblem, reachable, stepsOf, suggestName, withColumn, withoutSample, type DraftColumn } from './draft';

const column = (name: string, part: Partial<DraftColumn> = {}): DraftColumn => ({ path: name, name, type: 'TEXT', isRequired: false, isKept: true, seen: 1, why: '', examples: [], ...part });

describe('names', () => {
  it.each([
    ['Orders.V2-eu', 'orders_v2_eu'],
    ['2024 clicks.ndjson.gz', 's_2024_clicks'],
    ['Umsätze', 'umsa_tze'],
    ['---', ''],
  ])('%s becomes %s', (from, to) => {
    expect(suggestName(from)).toBe(to);
  });

  it('are refused with the reason', () => {
    expect(nameProblem('', [])).toBe('A stream needs a name.');
    expect(nameProblem('Orders', [])).toContain('lower-case');
    expect(nameProblem('orders', ['orders'])).toBe('There is a stream named orders already.');
    expect(nameProblem('orders', ['shop'])).toBeNull();
  });
});

describe('steps', () => {
  const http = { ...emptyDraft(), source: 'http' as const, name: 'clicks' };

  it('are reached once those before them have what they need', () => {
    expect(reachable(emptyDraft(), 'connect')).toBe(false);
    expect(reachable({ ...http, name: '' }, 'sample')).toBe(false);
    expect(reachable(http, 'review')).toBe(true);
    expect(reachable({ ...http, source: 'file' }, 'review')).toBe(false);
  });

  it('are fewer for the made-up shop', () => {
    expect(stepsOf({ ...http, source: 'demo' })).toEqual(['source', 'connect', 'review']);
    expect(reachable({ ...http, source: 'demo' }, 'schema')).toBe(false);
  });

  it('are done when something is there', () => {
    expect(isDone(http, 'sample')).toBe(false);
    expect(isDone({ ...http, columns: [column('a', { isKept: false })] }, 'schema')).toBe(false);
    expect(isDone({ ...http, columns: [column('a')] }, 'schema')).toBe(true);
  });
});

describe('columns', () => {
  it('keep what a person decided when samples are looked at again', () => {
    const known = [column('a', { type: 'BIGINT', isRequired: true }), column('left_out', { isKept: false })];
    const merged = mergeColumns(known, [column('a', { seen: 0.5 }), column('new')]);
    expect(merged.map(({ name, type, isRequired, isKept, seen }) => [name, type, isRequired, isKept, seen])).toEqual([
      ['a', 'BIGINT', true, true, 1],
      ['new', 'TEXT', false, true, 1],
      ['left_out', 'TEXT', false, false, 1],
    ]);
  });

  it('keep their place when they are renamed, whatever the samples call them', () => {
    const known = [column('id', { name: 'order_id' }), column('b')];
    expect(mergeColumns(known, [column('id', { name: 'order_id' }), column('b')])).toEqual(known);
    // Lines of fields are looked at under the new names; and an answer about the old ones may still come in.
    expect(mergeColumns(known, [column('order_id'), column('b')])).toEqual(known);
    expect(mergeColumns(known, [column('id'), column('b')])).toEqual(known);
  });

  it('take what names them along', () => {
    const draft = { ...emptyDraft(), columns: [column('ts'), column('id')], eventTime: 'ts', key: ['id'], orderBy: ['id', 'ts'] };
    const renamed = withColumn(withColumn(draft, 'ts', { name: 'at' }), 'id', { name: 'order_id' });
    expect(renamed).toMatchObject({ eventTime: 'at', key: ['order_id'], orderBy: ['order_id', 'at'] });
    expect(renamed.columns.map(({ path, name }) => [path, name])).toEqual([['ts', 'at'], ['id', 'order_id']]);
  });

  it('need names of their own', () => {
    const columns = [column('a', { name: 'x' }), column('b', { name: 'x' }), column('c', { name: ' ' }), column('d', { name: '_time' }), column('e', { name: 'x', isKept: false }), column('f')];
    expect(columns.map((each) => columnProblem(each, columns)?.slice(0, 8) ?? null)).toEqual(['Two colu', 'Two colu', 'It needs', 'Every ta', null, null]);
    const draft = { ...emptyDraft(), source: 'kafka' as const, columns };
    expect(isDone(draft, 'schema')).toBe(false);
    expect([canRename({ format: 'json', source: 'http' }), canRename({ format: 'csv', source: 'http' }), canRename({ format: 'csv', source: 'kafka' }), canRename({ format: 'text', source: 'kafka' })]).toEqual([true, false, true, false]);
  });

  it('offer a timestamp that is always there as event time', () => {
    const times = [column('late', { type: 'TIMESTAMP' }), column('ts', { type: 'TIMESTAMP FORMAT EPOCH_MS', isRequired: true })];
    expect(guessEventTime(times)).toBe('ts');
    expect(guessEventTime([column('a')])).toBe('');
  });
});

it('forgets everything that came from the sample with it', () => {
  const draft = { ...emptyDraft(), columns: [column('a')], eventTime: 'a', key: ['a'], retain: '30 days' };
  expect(withoutSample(draft)).toMatchObject({ columns: [], eventTime: '', key: [], retain: '30 days' });
});
