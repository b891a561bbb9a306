import { describe, expect, it } from 'vitest';
import { profileSql, readProfile } from './profile';

const columns = [
  { name: 'price', type: 'DOUBLE' },
  { name: 'Odd "name"', type: 'STRUCT<a INT>' },
];

describe('profile', () => {
  it('asks each column only what its type can answer, and quotes names', () => {
    const sql = profileSql('shop', columns);
    expect(sql).toContain('count(price) AS f0, NULL AS d0, CAST(min(price) AS VARCHAR) AS a0');
    expect(sql).toContain('count("Odd ""name""") AS f1, NULL AS d1, NULL AS a1, NULL AS z1');
  });
  it('reads the answer by column', () => {
    const profile = readProfile({ n: 10, f0: 9, d0: null, a0: '1.5', z0: '99', f1: 10 }, columns);
    expect(profile.get('price')).toEqual({ n: 10, filled: 9, distinct: null, min: '1.5', max: '99' });
    expect(profile.get('Odd "name"')).toEqual({ n: 10, filled: 10, distinct: null, min: null, max: null });
  });
});
