/** The rows on the page, and the request for them, as text for other places. */

import { isNumeric } from '../../../lib/arrowTypes';
import { toServerSyntax, type SentParameters } from '../../../lib/parameters';
import type { ResultTable } from '../../../lib/resultTable';
import { quoteName, quoteText } from '../../../lib/sqlText';
import { exactOf } from '../result/gridCells';
import { COPY_ROWS_MAX } from './exportResult';

/** A table for an issue or a wiki. */
export function markdownOf(table: ResultTable, nRows: number): string {
  const cell = (text: string | null) => (text === null ? '*null*' : text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replace(/\r?\n/g, '<br>'));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = table.columns.map((column) => (isNumeric(column.kind) ? '---:' : '---'));
  const rows = firstRows(nRows).map((row) => line(table.columns.map((_, index) => cell(exactOf(table, row, index)))));
  return [line(table.columns.map((column) => cell(column.name))), line(rule), ...rows].join('\n');
}

/** Statements that put the rows into a table of another database. */
export function insertsOf(table: ResultTable, nRows: number, into = 'result'): string {
  const names = table.columns.map((column) => quoteName(column.name)).join(', ');
  const rows = firstRows(nRows).map((row) => {
    const values = table.columns.map((column, index) => {
      const text = exactOf(table, row, index);
      return text === null ? 'NULL' : isNumeric(column.kind) || column.kind === 'boolean' ? text : quoteText(text);
    });
    return `  (${values.join(', ')})`;
  });
  return rows.length === 0 ? '' : `INSERT INTO ${quoteName(into)} (${names}) VALUES\n${rows.join(',\n')};`;
}

const firstRows = (nRows: number) => Array.from({ length: Math.min(nRows, COPY_ROWS_MAX) }, (_, row) => row);

/** The request in Python, with nothing to install. */
export function pythonFor(origin: string, sql: string, params: SentParameters): string {
  const body = JSON.stringify({ sql: toServerSyntax(sql), ...(params === undefined ? {} : { params }) });
  // Text in JSON reads the same in Python.
  return [
    'import json, urllib.request',
    '',
    `body = ${JSON.stringify(body)}`,
    `request = urllib.request.Request(${JSON.stringify(`${origin}/api/v1/query`)}, body.encode(), {"Content-Type": "application/json"})`,
    'rows = json.load(urllib.request.urlopen(request))["data"]',
    '',
  ].join('\n');
}
