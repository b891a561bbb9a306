/** Rows as what a chart draws: times against numbers, or labels against numbers. */

import { SERIES_MAX, BARS_MAX, type ChartSpec } from './chartChoice';
import { exactText } from './cellText';
import type { ResultTable } from './resultTable';

/** Seconds since the epoch, ascending, and one list of numbers for each label. */
export type TimeSeries = { times: number[]; series: { label: string; values: (number | null)[] }[]; nOther: number };

export type BarSeries = { bars: { label: string; value: number }[]; nLeftOut: number };

/** Rows beyond this are not looked at: no screen has so many pixels, and the page must stay quick. */
export const CHART_ROWS_MAX = 200_000;

const UNITS_PER_SECOND = [1, 1e3, 1e6, 1e9] as const;

export function timeSeries(table: ResultTable, chart: ChartSpec): TimeSeries {
  const groups = new Map<string, Map<number, number>>();
  const nRows = Math.min(table.nRows, CHART_ROWS_MAX);
  for (let row = 0; row < nRows; row += 1) {
    const time = seconds(table, row, chart.x);
    if (time === null) continue;
    for (const y of chart.y) {
      const value = number(table, row, y);
      if (value === null) continue;
      const label = chart.series === null ? (table.columns[y]?.name ?? '') : text(table, row, chart.series);
      const points = groups.get(label) ?? new Map<number, number>();
      groups.set(label, points);
      // Several rows of one time and series are added up, as a stacked bar would.
      points.set(time, (points.get(time) ?? 0) + value);
    }
  }
  return lines(groups, chart.series !== null);
}

function lines(groups: Map<string, Map<number, number>>, fold: boolean): TimeSeries {
  const sum = (points: Map<number, number>) => [...points.values()].reduce((total, value) => total + Math.abs(value), 0);
  const ranked = fold ? [...groups].toSorted((a, b) => sum(b[1]) - sum(a[1])) : [...groups];
  const shown = fold && ranked.length > SERIES_MAX ? ranked.slice(0, SERIES_MAX - 1) : ranked;
  const rest = ranked.slice(shown.length);
  if (rest.length > 0) shown.push([`other (${rest.length})`, addUp(rest.map(([, points]) => points))]);
  const times = [...new Set(shown.flatMap(([, points]) => [...points.keys()]))].toSorted((a, b) => a - b);
  const series = shown.map(([label, points]) => ({ label, values: times.map((time) => points.get(time) ?? null) }));
  return { times, series, nOther: rest.length };
}

function addUp(groups: Map<number, number>[]): Map<number, number> {
  const total = new Map<number, number>();
  for (const points of groups) for (const [time, value] of points) total.set(time, (total.get(time) ?? 0) + value);
  return total;
}

/** Bars in the order of the rows, so that the statement's ORDER BY decides. */
export function barSeries(table: ResultTable, chart: ChartSpec): BarSeries {
  const bars = new Map<string, number>();
  const [y] = chart.y;
  const nRows = Math.min(table.nRows, CHART_ROWS_MAX);
  for (let row = 0; y !== undefined && row < nRows; row += 1) {
    const value = number(table, row, y);
    if (value === null) continue;
    const label = text(table, row, chart.x);
    bars.set(label, (bars.get(label) ?? 0) + value);
  }
  const all = [...bars].map(([label, value]) => ({ label, value }));
  return { bars: all.slice(0, BARS_MAX), nLeftOut: Math.max(0, all.length - BARS_MAX) };
}

/** How many different values a column has among the first rows. */
export function distinctValues(table: ResultTable, column: number, nRowsMax = 5000): number {
  const seen = new Set<string>();
  for (let row = 0; row < Math.min(table.nRows, nRowsMax); row += 1) seen.add(text(table, row, column));
  return seen.size;
}

function seconds(table: ResultTable, row: number, column: number): number | null {
  const value = table.value(row, column);
  if (value === null) return null;
  const described = table.columns[column];
  if (described?.kind === 'timestamp') return Number(value) / (UNITS_PER_SECOND[described.type.unit ?? 2] ?? 1e6);
  return Number(value) / 1000;
}

/** A number to draw. Pixels need no more digits than a double has. */
export function number(table: ResultTable, row: number, column: number): number | null {
  const value = table.value(row, column);
  if (value === null) return null;
  const described = table.columns[column];
  const drawn = described?.kind === 'decimal' ? Number(value) / 10 ** (described.type.scale ?? 0) : Number(value);
  return Number.isFinite(drawn) ? drawn : null;
}

function text(table: ResultTable, row: number, column: number): string {
  const described = table.columns[column];
  if (described === undefined) return '';
  return exactText(table.value(row, column), described.type) ?? 'null';
}
