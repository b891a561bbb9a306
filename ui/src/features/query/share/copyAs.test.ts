import { expect, it, vi } from 'vitest';
import type { ResultTable } from '../../../lib/resultTable';
import { insertsOf, markdownOf, pythonFor } from './copyAs';

vi.mock('../result/gridCells', () => ({ exactOf: (table: { rows: (string | null)[][] }, row: number, column: number) => table.rows[row]?.[column] ?? null }));

const table = {
  columns: [
    { name: 'Order Id', kind: 'integer' },
    { name: 'note', kind: 'text' },
  ],
  rows: [
    ['9223372036854775807', "a|b\nit's"],
    ['2', null],
  ],
} as unknown as ResultTable;

it('rows become a table of Markdown', () => {
  expect(markdownOf(table, 2)).toBe("| Order Id | note |\n| ---: | --- |\n| 9223372036854775807 | a\\|b<br>it's |\n| 2 | *null* |");
});

it('rows become INSERT statements with every digit', () => {
  expect(insertsOf(table, 2)).toBe(`INSERT INTO result ("Order Id", note) VALUES\n  (9223372036854775807, 'a|b\nit''s'),\n  (2, NULL);`);
  expect(insertsOf(table, 0)).toBe('');
});

it('the request is a program of its own', () => {
  expect(pythonFor('http://h', `SELECT "a", :n`, { n: 1 })).toContain(String.raw`body = "{\"sql\":\"SELECT \\\"a\\\", $n\",\"params\":{\"n\":1}}"`);
});
