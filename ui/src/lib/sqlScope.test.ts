import { describe, expect, it } from 'vitest';
import { placeAt, scopeOf } from './sqlScope';

const names = (sql: string) => scopeOf(sql).relations.map(({ alias, table }) => `${alias}=${table ?? '?'}`);

describe('the tables in scope', () => {
  it('are those of FROM and JOIN with their aliases', () => {
    expect(names('select 1 from shop s join system.streams as st on true left join "My Table" using (id) where x')).toEqual([
      's=shop',
      'st=system.streams',
      'My Table=My Table',
    ]);
    expect(names('select 1 from a, b bb, c')).toEqual(['a=a', 'bb=b', 'c=c']);
  });

  it('are not what extract and substring read from', () => {
    expect(names('select extract(year from ts), substring(name from 2) from shop')).toEqual(['shop=shop']);
  });

  it('are not in text or comments, and time travel is no alias', () => {
    expect(names("select ' from x ' -- from y\n from shop version as of 812")).toEqual(['shop=shop']);
  });

  it('include common tables, each with a statement that says its columns', () => {
    const sql = 'with a as (select 1 as one), b(x) as (select one from a) select  from b join a on true';
    const scope = scopeOf(sql);
    expect(scope.commonTables).toEqual([
      { name: 'a', columnsOf: 'with a as (select 1 as one) SELECT * FROM a' },
      { name: 'b', columnsOf: 'with a as (select 1 as one), b(x) as (select one from a) SELECT * FROM b' },
    ]);
    expect(scope.relations.at(-2)).toEqual({ alias: 'b', table: null, columnsOf: 'with a as (select 1 as one), b(x) as (select one from a) SELECT * FROM b' });
  });

  it('include subqueries, which may use common tables', () => {
    const sql = 'with a as (select 1 as one) select  from (select one from a) q';
    expect(scopeOf(sql).relations).toContainEqual({ alias: 'q', table: null, columnsOf: 'with a as (select 1 as one) select one from a' });
  });
});

describe('the place of the cursor', () => {
  const place = (marked: string) => placeAt(marked.replace('|', ''), marked.indexOf('|'));

  it.each([
    ['select 1 from |', 'table'],
    ['select 1 from sh|', 'table'],
    ['select 1 from a, |', 'table'],
    ['select 1 from a left join |', 'table'],
    ['select co| from shop', 'expression'],
    ['select a, | from shop', 'expression'],
    ['select extract(year from |)', 'expression'],
    ["select 'co|' from shop", 'nothing'],
    ["select 'co|", 'nothing'],
    ['-- co|\nselect 1', 'nothing'],
    ['select 12| from shop', 'nothing'],
    ['select :par|', 'nothing'],
    ['select 1 as na|', 'nothing'],
  ])('%s is %s', (marked, kind) => {
    expect(place(marked).kind).toBe(kind);
  });

  it('knows the path before a dot', () => {
    expect(place('select o.| from orders o')).toEqual({ kind: 'member', path: ['o'] });
    expect(place('select 1 from system.str|')).toEqual({ kind: 'member', path: ['system'] });
  });
});
