/** What the grid says about cells: their text, their width, and the sums of those that are chosen. */

import { isNumeric } from '../../../lib/arrowTypes';
import { decimalText, drawnText, exactText, tsvField } from '../../../lib/cellText';
import type { ResultColumn, ResultTable } from '../../../lib/resultTable';
import type { Rectangle } from './gridSelection';

const CHAR_PX = 7.25;
const PADDING_PX = 18;
const WIDTH_MIN = 64;
const WIDTH_MAX = 420;
const SAMPLE_ROWS = 60;
const DECIMALS_MAX = 4;
/** More cells than this are not copied: the clipboard of a browser is no export. */
export const COPY_CELLS_MAX = 2_000_000;
const SUM_CELLS_MAX = 500_000;

/** How a column is drawn; made once for each result, from its first rows. */
export type ColumnLook = { width: number; isRight: boolean; decimals: number | null };

export function columnLook(table: ResultTable, index: number): ColumnLook {
  const column = table.columns[index];
  if (column === undefined) return { width: WIDTH_MIN, isRight: false, decimals: null };
  const decimals = column.kind === 'float' ? decimalsOf(table, index) : null;
  let longest = Math.min(40, column.name.length + Math.min(18, column.typeName.length) + 2);
  for (let row = 0; row < Math.min(table.nRows, SAMPLE_ROWS); row += 1) {
    longest = Math.max(longest, Math.min(80, (cellText(table, row, index, decimals) ?? 'null').length));
  }
  const width = Math.round(Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, longest * CHAR_PX + PADDING_PX)));
  return { width, isRight: isNumeric(column.kind), decimals };
}

/** Digits behind the point that a column needs, so that its numbers stand under each other. */
function decimalsOf(table: ResultTable, index: number): number {
  let most = 0;
  for (let row = 0; row < Math.min(table.nRows, 200); row += 1) {
    // Twelve digits are more than anybody measures, and leave out what adding doubles makes up.
    const value = table.value(row, index);
    const text = typeof value === 'number' ? String(Number(value.toPrecision(12))) : '';
    const point = text.indexOf('.');
    if (point >= 0 && !/[eE]/.test(text)) most = Math.max(most, text.length - point - 1);
  }
  return Math.min(most, DECIMALS_MAX);
}

/** The text of a cell as it is drawn; null for NULL. */
export function cellText(table: ResultTable, row: number, index: number, decimals: number | null): string | null {
  const column = table.columns[index];
  if (column === undefined) return null;
  const value = table.value(row, index);
  if (value === null) return null;
  if (decimals !== null && typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e15 && !isTiny(value, decimals)) return value.toFixed(decimals);
  // Very long text is cut before it is looked through, so that a cell of a megabyte costs no more than others.
  const text = typeof value === 'string' ? value : (exactText(value, column.type) ?? '');
  return drawnText(text);
}

/** A number that rounding would make nothing keeps its exponent. */
function isTiny(value: number, decimals: number): boolean {
  return value !== 0 && Math.abs(value) < 0.5 * 10 ** -decimals;
}

/** The exact text of a cell, as it is copied. */
export function exactOf(table: ResultTable, row: number, index: number): string | null {
  const column = table.columns[index];
  return column === undefined ? null : exactText(table.value(row, index), column.type);
}

/** Chosen cells as spreadsheets take them. More than one column brings its names along. */
export function toTsv(table: ResultTable, chosen: Rectangle, rowAt: (index: number) => number): string {
  const columns = range(chosen.left, chosen.right);
  const lines: string[] = [];
  const isOneCell = chosen.top === chosen.bottom && chosen.left === chosen.right;
  if (isOneCell) return exactOf(table, rowAt(chosen.top), chosen.left) ?? '';
  if (columns.length > 1) lines.push(columns.map((column) => tsvField(table.columns[column]?.name ?? '')).join('\t'));
  for (let row = chosen.top; row <= chosen.bottom; row += 1) {
    lines.push(columns.map((column) => tsvField(exactOf(table, rowAt(row), column))).join('\t'));
  }
  return lines.join('\n');
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

export type Sums = { nCells: number; nNumbers: number; sum: string; average: number; min: number; max: number };

/** Sums of the chosen cells; null where there are too many to add up at once. Integers and decimals are added exactly. */
export function sumsOf(table: ResultTable, chosen: Rectangle, rowAt: (index: number) => number): Sums | null {
  const columns = range(chosen.left, chosen.right);
  const nCells = columns.length * (chosen.bottom - chosen.top + 1);
  if (nCells > SUM_CELLS_MAX) return null;
  const scale = Math.max(0, ...columns.map((column) => table.columns[column]?.type.scale ?? 0));
  const total = { exact: 0n, rounded: 0, isExact: true, n: 0, min: Infinity, max: -Infinity };
  for (const index of columns) {
    const column = table.columns[index];
    if (column === undefined || !isNumeric(column.kind)) continue;
    for (let row = chosen.top; row <= chosen.bottom; row += 1) add(total, column, table.value(rowAt(row), index), scale);
  }
  const sum = total.isExact ? decimalText(total.exact, scale) : String(Number(total.rounded.toPrecision(12)));
  return { nCells, nNumbers: total.n, sum, average: total.rounded / total.n, min: total.min, max: total.max };
}

type Total = { exact: bigint; rounded: number; isExact: boolean; n: number; min: number; max: number };

function add(total: Total, column: ResultColumn, value: unknown, scale: number): void {
  if (value === null || value === undefined) return;
  const own = column.kind === 'decimal' ? (column.type.scale ?? 0) : 0;
  const number = Number(value) / 10 ** own;
  if (!Number.isFinite(number)) return;
  total.n += 1;
  total.rounded += number;
  total.min = Math.min(total.min, number);
  total.max = Math.max(total.max, number);
  if (column.kind === 'float') total.isExact = false;
  else total.exact += BigInt(value as bigint | number) * 10n ** BigInt(Math.max(0, scale - own));
}

/** Row numbers in the order of a column; NULL comes last either way. */
export function sortedRows(table: ResultTable, index: number, isDescending: boolean): Uint32Array {
  const { kind } = table.columns[index] ?? { kind: 'text' };
  const keys = Array.from({ length: table.nRows }, (_, row) => {
    const value = table.value(row, index);
    if (value === null || value === undefined) return null;
    if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string') return value;
    return typeof value === 'boolean' ? Number(value) : (exactOf(table, row, index) ?? '');
  });
  const order = new Uint32Array(table.nRows).map((_, row) => row);
  const sign = isDescending ? -1 : 1;
  const isText = kind === 'text';
  const collator = new Intl.Collator('en');
  return order.sort((a, b) => {
    const left = keys[a] ?? null;
    const right = keys[b] ?? null;
    if (left === null || right === null) return left === right ? a - b : left === null ? 1 : -1;
    const compared = isText ? collator.compare(String(left), String(right)) : left < right ? -1 : left > right ? 1 : 0;
    return compared * sign || a - b;
  });
}
