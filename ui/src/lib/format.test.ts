import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatCount, formatDuration, formatExact, formatShare, formatTimestamp, plural, THIN } from './format';

const thin = (text: string) => text.replaceAll('_', THIN);

describe('numbers', () => {
  it('are exact below a hundred thousand, then short', () => {
    expect([1234, 99_999, 123_456, 1_234_567, 12_345_678_901].map(formatCount)).toEqual(
      ['1,234', '99,999', '123_k', '1.2_M', '12.3_G'].map(thin),
    );
    expect(formatCount(2.26)).toBe('2.3');
    expect(formatCount(null)).toBe('–');
  });
  it('keep every digit of 64-bit integers', () => {
    expect(formatExact('9223372036854775807')).toBe('9,223,372,036,854,775,807');
    expect(formatExact('0.10')).toBe('0.10');
  });
  it('count things in words', () => {
    expect([plural(1, 'row'), plural(0, 'row'), plural(2, 'class', 'classes')]).toEqual(['1 row', '0 rows', '2 classes']);
  });
  it('say shares and sizes', () => {
    expect([0, 0.0004, 0.004, 0.98].map(formatShare)).toEqual(['0_%', '< 0.1_%', '0.4_%', '98_%'].map(thin));
    expect([12, 2048, 5_000_000].map(formatBytes)).toEqual(['12_B', '2_KiB', '4.8_MiB'].map(thin));
  });
});

describe('times', () => {
  it('choose their unit', () => {
    expect([0.4, 41, 400, 2340, 61_000, 600_000, 90_000_000].map(formatDuration)).toEqual(
      ['0.4_ms', '41_ms', '0.40_s', '2.3_s', '61_s', '10_min', '25_h'].map(thin),
    );
  });
  it('are ISO, in UTC unless asked otherwise', () => {
    expect(formatTimestamp('2026-11-21T07:01:18.5Z')).toBe('2026-11-21 07:01:18.500');
    expect(formatTimestamp('2026-11-21T07:01:18.5Z', 'utc', 'second')).toBe('07:01:18');
    expect(formatTimestamp('not a time')).toBe('not a time');
  });
  it('say how long ago', () => {
    const now = Date.parse('2026-11-21T07:00:00Z');
    expect(formatAgo('2026-11-21T06:59:48Z', now)).toBe(thin('12_s ago'));
    expect(formatAgo('2026-11-21T07:00:00.200Z', now)).toBe('now');
    expect(formatAgo('2026-11-21T07:03:00Z', now)).toBe(thin('in 3_min'));
  });
});
