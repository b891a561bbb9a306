import { expect, it } from 'vitest';
import { readSeek, seekSql, seekWords, writeSeek } from './seek';

it('a place has an address, and back', () => {
  for (const text of ['oldest', 'ts:2026-11-21T06:00:00Z', 'offset:0:1200', 'offset:a:b:-1']) expect(writeSeek(readSeek(text))).toBe(text);
  for (const text of [undefined, '', 'newest', 'ts:', 'ts:yesterday', 'offset:0', 'offset:0:x']) expect(readSeek(text)).toBeNull();
});

it('a place is read oldest first, with the filter, page by page', () => {
  expect(seekSql('shop', { kind: 'oldest' }, '', 0)).toMatch(/FROM shop ORDER BY _time, _partition, _offset LIMIT 200$/);
  expect(seekSql('shop', { kind: 'time', at: '2026-11-21T06:00:00+01:00' }, "a = 'x' OR b", 400)).toContain(
    "WHERE (a = 'x' OR b) AND _time >= TIMESTAMP '2026-11-21T05:00:00.000Z' ORDER BY _time, _partition, _offset LIMIT 200 OFFSET 400",
  );
  expect(seekSql('shop', { kind: 'position', partition: "it's", from: '9007199254740993' }, '', 0)).toContain("WHERE _partition = 'it''s' AND _offset >= 9007199254740993 ORDER BY _offset LIMIT 200");
});

it('a place is told in words', () => {
  expect(seekWords({ kind: 'time', at: '2026-11-21T06:00:00Z' })).toBe('From 2026-11-21 06:00:00 UTC');
  expect(seekWords({ kind: 'position', partition: '3', from: '17' })).toBe('From position 17 of partition 3');
});
