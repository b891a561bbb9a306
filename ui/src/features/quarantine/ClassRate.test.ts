import { expect, it } from 'vitest';
import { perMinute } from './ClassRate';

it('minutes without a record are zero, and older ones are left out', () => {
  const now = Date.parse('2026-11-21T12:30:40Z');
  const counts = perMinute([{ minute: '2026-11-21T12:30:00Z', n: 4 }, { minute: '2026-11-21T12:28:00Z', n: 2 }, { minute: '2026-11-21T11:00:00Z', n: 9 }], now);
  expect(counts).toHaveLength(30);
  expect(counts.slice(-3)).toEqual([2, 0, 4]);
  expect(counts.slice(0, -3).every((n) => n === 0)).toBe(true);
});
