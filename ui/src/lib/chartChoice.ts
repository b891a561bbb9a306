/** Which chart suits an answer, from its columns' kinds and a look at its rows. */

import type { ArrowKind } from './arrowTypes';
import { isNumeric } from './arrowTypes';

export type ChartColumn = { name: string; kind: ArrowKind };

export type ChartSpec = {
  kind: 'time' | 'bars';
  /** Column numbers. */
  x: number;
  y: number[];
  /** The column whose values become series of their own. */
  series: number | null;
  stacked: boolean;
};

export type Choice = { chart: ChartSpec; why: string } | { chart: null; why: string };

/** More series than this cannot be told apart; the rest becomes one named "other". */
export const SERIES_MAX = 6;
export const BARS_MAX = 30;

/** The first choice. `distinct(column)` counts values among the first rows, so that a column of ids is not taken for a category. */
export function chooseChart(columns: ChartColumn[], nRows: number, distinct: (column: number) => number): Choice {
  const numbers = indexes(columns, (column) => isNumeric(column.kind));
  const time = columns.findIndex((column) => column.kind === 'timestamp' || column.kind === 'date');
  const categories = indexes(columns, (column) => column.kind === 'text' || column.kind === 'boolean');
  if (nRows === 0) return none('There are no rows to draw.');
  if (numbers.length === 0) return none('A chart needs a column of numbers.');
  if (nRows === 1 && time < 0 && categories.length === 0) return none('One row of numbers is best read as it is.');
  if (time >= 0 && nRows > 1) return timeChoice(columns, time, numbers, categories, distinct);
  const [category] = categories;
  if (category !== undefined) {
    const [first] = numbers;
    if (first === undefined) return none('A chart needs a column of numbers.');
    const chart: ChartSpec = { kind: 'bars', x: category, y: [first], series: null, stacked: false };
    return { chart, why: `Bars of ${name(columns, first)} for each ${name(columns, category)}.` };
  }
  const [x, ...rest] = numbers;
  const [y] = rest;
  if (x === undefined || y === undefined) return none('One column of numbers alone has nothing to be drawn against.');
  return { chart: { kind: 'bars', x, y: [y], series: null, stacked: false }, why: `Bars of ${name(columns, y)} for each ${name(columns, x)}.` };
}

function timeChoice(columns: ChartColumn[], x: number, numbers: number[], categories: number[], distinct: (column: number) => number): Choice {
  const series = categories.find((column) => {
    const n = distinct(column);
    return n >= 2 && n <= 40;
  });
  const [first] = numbers;
  if (series !== undefined && first !== undefined) {
    const chart: ChartSpec = { kind: 'time', x, y: [first], series, stacked: false };
    return { chart, why: `${name(columns, first)} over ${name(columns, x)}, a line for each ${name(columns, series)}.` };
  }
  // Numbers of very different meaning share one axis badly, so more than four lines are left to the reader to add.
  const y = numbers.slice(0, 4);
  return { chart: { kind: 'time', x, y, series: null, stacked: false }, why: `${y.map((column) => name(columns, column)).join(', ')} over ${name(columns, x)}.` };
}

/** Whether a chart made for another answer still fits this one's columns. */
export function fits(chart: ChartSpec, columns: ChartColumn[]): boolean {
  const x = columns[chart.x];
  if (x === undefined) return false;
  if (chart.kind === 'time' && x.kind !== 'timestamp' && x.kind !== 'date') return false;
  if (chart.series !== null && columns[chart.series] === undefined) return false;
  return chart.y.length > 0 && chart.y.every((column) => isNumeric(columns[column]?.kind ?? 'null'));
}

function none(why: string): Choice {
  return { chart: null, why };
}

function indexes(columns: ChartColumn[], keep: (column: ChartColumn) => boolean): number[] {
  return columns.flatMap((column, index) => (keep(column) ? [index] : []));
}

function name(columns: ChartColumn[], index: number): string {
  return columns[index]?.name ?? '';
}
