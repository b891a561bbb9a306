import { CompletionContext } from '@codemirror/autocomplete';
import { schemaCompletionSource, sql } from '@codemirror/lang-sql';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import type { Catalog } from '../api/types';
import { namespaceOf, opensTableList, scopeSource, type Vocabulary } from './completions';
import { HeliosSQL } from './sqlDialect';

const catalog: Catalog = {
  version: '1',
  tables: [
    { name: 'shop', schema: '', kind: 'stream', n_rows: 5, columns: [{ name: 'country', type: 'TEXT' }, { name: 'Unit Price', type: 'DOUBLE' }, { name: '_time', type: 'TIMESTAMP', hidden: true }] },
    { name: 'streams', schema: 'system', kind: 'system', n_rows: null, columns: [{ name: 'state', type: 'TEXT' }] },
  ],
};

const vocabulary: Vocabulary = {
  catalog,
  functions: [
    { name: 'count', signature: 'count(x) -> bigint', kind: 'aggregate', doc: 'Counts.' },
    { name: 'generate_series', signature: 'generate_series(a, b)', kind: 'table', doc: '' },
  ],
  columnsOf: async (statement) => (statement.includes('as one') ? [{ name: 'one', type: 'BIGINT' }] : null),
};

function at(marked: string): CompletionContext {
  const position = marked.indexOf('|');
  const state = EditorState.create({ doc: marked.replace('|', ''), extensions: [sql({ dialect: HeliosSQL })] });
  return new CompletionContext(state, position, true);
}

const labels = async (marked: string) => (await scopeSource(vocabulary)(at(marked)))?.options.map((option) => option.label) ?? [];

describe('what is offered', () => {
  it('is the bare columns of the tables in FROM, hidden ones last, and functions with their signatures', async () => {
    const result = await scopeSource(vocabulary)(at('select co| from shop'));
    expect(result?.options.map((option) => option.label)).toEqual(['country', 'Unit Price', '_time', 'count']);
    expect(result?.options.at(-1)?.detail).toBe('(x) -> bigint');
    expect(result?.options.find((option) => option.label === 'Unit Price')?.apply).toBe('"Unit Price"');
  });

  it('knows only the statement the cursor is in', async () => {
    expect(await labels('select 1 from shop; select st| from system.streams')).toEqual(['state', 'count']);
    expect(await labels('select 1 from shop; s|')).toEqual(['count']);
  });

  it('asks the planner for the columns of common tables and subqueries', async () => {
    expect(await labels('with a as (select 1 as one) select | from a')).toEqual(['one', 'count']);
    expect(await labels('with a as (select 1 as one) select a.| from a')).toEqual(['one']);
    expect(await labels('select q.| from (select 1 as one) q')).toEqual(['one']);
  });

  it('offers common tables and table functions where a table stands', async () => {
    expect(await labels('with a as (select 1) select * from |')).toEqual(['a', 'generate_series']);
  });

  it('offers aliases', async () => {
    expect(await labels('select | from shop s')).toContain('s');
  });

  it('is nothing in text, comments and names that are being given', async () => {
    expect(await labels("select 'co|' from shop")).toEqual([]);
    expect(await labels('select 1 as co| from shop')).toEqual([]);
  });
});

it('leaves alias.column of real tables to lang-sql, which knows them from the namespace', async () => {
  const result = await schemaCompletionSource({ dialect: HeliosSQL, schema: namespaceOf(catalog) })(at('select s.| from shop s'));
  expect(result?.options.map((option) => option.label)).toContain('country');
});

it('opens the list of tables behind FROM and JOIN', () => {
  expect(opensTableList('select * from ')).toBe(true);
  expect(opensTableList('left JOIN ')).toBe(true);
  expect(opensTableList('select fromage ')).toBe(false);
});
