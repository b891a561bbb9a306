import { lazy, Suspense, useId, useMemo, useState } from 'react';
import { Table2, ChartLine } from 'lucide-react';
import { formatCount } from '../lib/format';
import { IconButton } from './Button';
import { Table } from './Table';
import { Timestamp } from './Time';

const Plot = lazy(() => import('./Plot'));

export type Series = { label: string; values: readonly (number | null)[] };

/** Something that happened: a line through the chart, with its name. */
export type Mark = { time: number; label: string };

export type TimeChartProps = {
  label: string;
  /** Seconds since the epoch, growing. */
  times: readonly number[];
  series: readonly Series[];
  height?: number;
  format?: (value: number) => string;
  /** A line that values should stay under. */
  target?: number;
  /** Where the chart ends at the top; what is higher is cut off there. */
  top?: number;
  marks?: readonly Mark[];
};

/** What a chart shows, in a sentence. */
export function describe({ label, times, series, format = formatCount, marks = [] }: TimeChartProps): string {
  const parts = series.map(({ label: name, values }) => {
    const known = values.filter((value): value is number => value !== null);
    if (known.length === 0) return `${name}: no values yet`;
    const latest = known[known.length - 1] ?? 0;
    return `${name}: latest ${format(latest)}, lowest ${format(Math.min(...known))}, highest ${format(Math.max(...known))}`;
  });
  const marked = marksWithin(marks, times).map((mark) => ` At ${new Date(mark.time * 1000).toISOString().slice(11, 19)} UTC: ${mark.label}.`);
  return `${label}. ${parts.join('; ')}.${marked.join('')}`;
}

/** What happened so shortly before a chart begins is why it begins there. */
const SHORTLY_S = 5;

/** The marks that lie in the time that a chart shows, or are where it begins. */
export function marksWithin(marks: readonly Mark[], times: ArrayLike<number>): Mark[] {
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined) return [];
  return marks.filter(({ time }) => time >= first - SHORTLY_S && time <= last).map(({ time, label }) => ({ time: Math.max(time, first), label }));
}

/** A chart over time that can also be read as a table and with the arrow keys. */
export function TimeChart(props: TimeChartProps) {
  const { label, times, series, height = 180, format = formatCount } = props;
  const [asTable, setAsTable] = useState(false);
  const legend = useId();
  // A line needs two ends.
  const isEmpty = times.length < 2 || series.every((one) => one.values.every((value) => value === null));
  const rows = useMemo(() => (asTable ? times.map((time, index) => ({ time, index })).slice(-120).reverse() : []), [asTable, times]);
  return (
    <div className="relative min-w-0 px-2 pt-2 pb-1">
      <div className="absolute top-1 right-1 z-10 flex items-center gap-1">
        <IconButton label={asTable ? `Show ${label} as a chart` : `Show ${label} as a table`} aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? <ChartLine size={14} aria-hidden /> : <Table2 size={14} aria-hidden />}
        </IconButton>
      </div>
      {series.length > 1 && !asTable && (
        <ul id={legend} className="flex flex-wrap gap-x-4 pr-8 pb-1 text-xs text-text-2">
          {series.map((one, index) => (
            <li key={one.label} className="inline-flex items-center gap-1.5">
              <span aria-hidden data-mark className="h-0.5 w-3" style={{ background: `var(--c${index + 1})` }} />
              {one.label}
            </li>
          ))}
        </ul>
      )}
      {asTable ? (
        <div className="overflow-auto" style={{ height }}>
          <Table
            label={label}
            mono
            rows={rows}
            rowKey={(row) => String(row.time)}
            columns={[
              { id: 'time', header: 'time', cell: (row) => <Timestamp at={row.time * 1000} part="second" /> },
              ...series.map((one) => ({
                id: one.label,
                header: one.label,
                align: 'right' as const,
                cell: (row: { index: number }) => {
                  const value = one.values[row.index];
                  return value === null || value === undefined ? '–' : format(value);
                },
              })),
            ]}
          />
        </div>
      ) : isEmpty ? (
        // Axes without a line would be numbers that mean nothing.
        <p role="img" aria-label={describe(props)} className="grid place-items-center text-sm text-text-3" style={{ height }}>
          No figures yet.
        </p>
      ) : (
        <Suspense fallback={<div style={{ height }} />}>
          <Plot {...props} height={height} format={format} summary={describe(props)} />
        </Suspense>
      )}
    </div>
  );
}
