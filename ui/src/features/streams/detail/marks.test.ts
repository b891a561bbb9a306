import { expect, it } from 'vitest';
import { marksOf } from './marks';

it('what happened is in order, in words', () => {
  const events = [{ time: '2026-11-21T12:00:05Z', kind: 'new_field', path: 'coupon' }];
  const at = Date.parse('2026-11-21T12:00:00Z') / 1000;
  expect(marksOf(at + 9, '2026-11-21T12:00:00Z', events)).toEqual([
    { time: at, label: 'stream created' },
    { time: at + 5, label: 'new field coupon' },
    { time: at + 9, label: 'Helios started' },
  ]);
  expect(marksOf(null, null, [])).toEqual([]);
});
