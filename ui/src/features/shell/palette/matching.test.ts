import { describe, expect, it } from 'vitest';
import { matching, score } from './matching';

const entry = (name: string) => ({ id: name, name, kind: 'page', run: () => {} });

describe('matching', () => {
  it('puts the beginning of a name before the middle, and the middle before scattered letters', () => {
    const found = matching(['Quarantine', 'raw queries', 'Query'].map(entry), 'que').map((one) => one.name);
    expect(found).toEqual(['Query', 'raw queries', 'Quarantine']);
    expect(score('Switch to dark', 'std')).toBe(1);
  });
  it('offers everything before anything is typed', () => {
    expect(matching(['b', 'a'].map(entry), ' ').map((one) => one.name)).toEqual(['b', 'a']);
  });
  it('finds nothing where nothing fits', () => {
    expect(matching([entry('Streams')], 'xyz')).toEqual([]);
  });
});
