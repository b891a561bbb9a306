import { describe, expect, it } from 'vitest';
import { cellKind, cellText, decimals } from './cells';

describe('cells', () => {
  it('know numbers and times by their SQL type', () => {
    expect(['BIGINT UNSIGNED', 'DECIMAL(10, 2)', 'TIMESTAMP', 'TEXT', 'STRUCT<a INT>', 'INTERVAL'].map(cellKind)).toEqual([
      'number',
      'number',
      'time',
      'text',
      'text',
      'text',
    ]);
  });
  it('show null as nothing, objects as JSON, null bytes as a picture', () => {
    expect(cellText(null, 'text')).toBeNull();
    expect(cellText({ a: [1] }, 'text')).toBe('{"a":[1]}');
    expect(cellText('a\u0000b', 'text')).toBe('a␀b');
    expect(cellText('9223372036854775807', 'number')).toBe('9223372036854775807');
    expect(cellText('2026-11-21T07:01:18.5Z', 'time')).toBe('2026-11-21 07:01:18.500');
  });
  it('count decimals', () => {
    expect([1, 1.5, 1.23456789, '1.5', 1e-9].map((value) => decimals(value))).toEqual([0, 1, 4, 0, 0]);
  });
});
