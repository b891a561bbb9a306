import { describe, expect, it } from 'vitest';
import { parseSearch, stringifySearch } from './search';

describe('search', () => {
  it('keeps long numbers and odd text as they are', () => {
    const search = { 'p.id': '9223372036854775807', where: "a > 1 AND b = 'x&y'", tab: 'tail' };
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });
  it('leaves out what is empty', () => {
    expect(stringifySearch({ tab: undefined, q: '' })).toBe('');
  });
});
