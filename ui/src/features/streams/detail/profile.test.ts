import { describe, expect, it } from 'vitest';
import { profileSql, readProfile, topSql } from './profile';

const columns = [
  { name: 'price', type: 'DOUBLE' },
  { name: 'Odd "name"', type: 'STRUCT<a INT>' },
];

describe('profile', () => {
  it('asks each column only what its type can answer, and quotes names', () => {
    const sql = profileSql('shop', columns);
    expect(sql).toContain('count(price) AS f0, approx_distinct(CAST(price AS VARCHAR)) AS d0, CAST(min(price) AS VARCHAR) AS a0');
    expect(sql).toContain('count("Odd ""name""") AS f1, NULL AS d1, NULL AS a1, NULL AS z1');
  });
  it('asks for the commonest values of what can be counted, all at once', () => {
    expect(topSql('shop', columns.slice(1))).toBeNull();
    expect(topSql('shop', [...columns, { name: 'Region', type: 'TEXT' }, { name: 'n', type: 'BIGINT' }])).toContain('unnest(make_array(0, 2, 3)) AS c, unnest(make_array(CAST(price AS VARCHAR), CAST("Region" AS VARCHAR), CAST(n AS VARCHAR))) AS v FROM (SELECT * FROM shop');
  });
  it('reads the answer by column', () => {
    const tops = [{ c: 0, v: '7', n: 4 }, { c: 0, v: '8', n: 1 }];
    const profile = readProfile({ n: 10, f0: 9, d0: null, a0: '1.5', z0: '99', f1: 10 }, tops, columns);
    // A value that is there once is not a common one.
    expect(profile.get('price')).toEqual({ n: 10, filled: 9, distinct: null, min: '1.5', max: '99', top: [{ value: '7', n: 4 }] });
    expect(profile.get('Odd "name"')).toEqual({ n: 10, filled: 10, distinct: null, min: null, max: null, top: null });
  });
});
