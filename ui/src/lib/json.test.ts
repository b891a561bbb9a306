import { describe, expect, it } from 'vitest';
import { parseExact } from './json';

describe('parseExact', () => {
  it('keeps every digit of 64-bit integers', () => {
    expect(parseExact('{"a":9223372036854775807,"b":-9007199254740993}')).toEqual({
      a: '9223372036854775807',
      b: '-9007199254740993',
    });
  });
  it('leaves small numbers, fractions and exponents alone', () => {
    expect(parseExact('[1, -2.5, 1.2345678901234567, 1e300, 123456789012345]')).toEqual([
      1, -2.5, 1.2345678901234567, 1e300, 123456789012345,
    ]);
  });
  it('finds them wherever they stand', () => {
    expect(['9007199254740993', '[9007199254740993]', '{"a": -9007199254740993}', '[1,\n 9007199254740993]'].map(parseExact)).toEqual([
      '9007199254740993',
      ['9007199254740993'],
      { a: '-9007199254740993' },
      [1, '9007199254740993'],
    ]);
  });
  it('does not touch digits inside text', () => {
    expect(parseExact('{"9223372036854775807":"say \\"9223372036854775807\\" \\\\"}')).toEqual({
      '9223372036854775807': 'say "9223372036854775807" \\',
    });
  });
});
