import { useMemo } from 'react';
import { isNumeric } from '../../../lib/arrowTypes';
import { chooseChart, fits, SERIES_MAX, type ChartSpec } from '../../../lib/chartChoice';
import { barSeries, CHART_ROWS_MAX, distinctValues, timeSeries } from '../../../lib/chartData';
import { formatCount, formatExact } from '../../../lib/format';
import type { ResultTable } from '../../../lib/resultTable';
import { Empty } from '../../../ui/Empty';
import { Field, Select } from '../../../ui/Field';
import { TimeChart } from '../../../ui/TimeChart';
import { BarChart } from './BarChart';

type Props = {
  table: ResultTable;
  nRows: number;
  /** What the person chose; null for the first choice. */
  chosen: ChartSpec | null;
  onChoose: (chart: ChartSpec | null) => void;
};

/** The choice of several values at once, which is no column's number. */
const ALL = -1;

/** A line for each value of a column is a line of one number only. */
function seriesOf(column: number, chart: ChartSpec): Pick<ChartSpec, 'series' | 'y'> {
  return column < 0 ? { series: null, y: chart.y } : { series: column, y: chart.y.slice(0, 1) };
}

/** A chart chosen from the columns' types, with a strip of controls to choose differently. */
export default function ChartView({ table, nRows, chosen, onChoose }: Props) {
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the table grows in place, and `nRows` says that it has
  const choice = useMemo(() => chooseChart(table.columns, nRows, (column) => distinctValues(table, column)), [table, nRows]);
  const chart = chosen !== null && fits(chosen, table.columns) ? chosen : choice.chart;
  if (chart === null) {
    return <Empty title="No chart for this result">{choice.why} The table shows every row as it is.</Empty>;
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-auto bg-surface">
      <Controls table={table} chart={chart} why={chosen === null ? choice.why : null} onChoose={onChoose} />
      <div className="p-2">{chart.kind === 'time' ? <Lines table={table} nRows={nRows} chart={chart} /> : <Bars table={table} nRows={nRows} chart={chart} />}</div>
    </div>
  );
}

function Lines({ table, nRows, chart }: { table: ResultTable; nRows: number; chart: ChartSpec }) {
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the table grows in place, and `nRows` says that it has
  const { times, series, nOther } = useMemo(() => timeSeries(table, chart), [table, nRows, chart]);
  const names = chart.y.map((column) => table.columns[column]?.name ?? '').join(', ');
  return (
    <>
      <TimeChart label={`${names} over ${table.columns[chart.x]?.name ?? 'time'}`} times={times} series={series} height={300} />
      {nOther > 0 && <Note>{`The ${SERIES_MAX - 1} largest are drawn; ${formatExact(nOther)} more are added up as “other”.`}</Note>}
      {nRows > CHART_ROWS_MAX && <Note>{`Only the first ${formatExact(CHART_ROWS_MAX)} rows are drawn.`}</Note>}
    </>
  );
}

function Bars({ table, nRows, chart }: { table: ResultTable; nRows: number; chart: ChartSpec }) {
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the table grows in place, and `nRows` says that it has
  const { bars, nLeftOut } = useMemo(() => barSeries(table, chart), [table, nRows, chart]);
  const value = table.columns[chart.y[0] ?? -1]?.name ?? '';
  return (
    <>
      <BarChart label={`${value} for each ${table.columns[chart.x]?.name ?? ''}`} bars={bars} valueName={value} labelName={table.columns[chart.x]?.name ?? ''} />
      {nLeftOut > 0 && <Note>{`${formatCount(nLeftOut)} more are not drawn. ORDER BY decides which come first.`}</Note>}
    </>
  );
}

function Note({ children }: { children: string }) {
  return <p className="px-2 text-xs text-text-3">{children}</p>;
}

type ControlsProps = { table: ResultTable; chart: ChartSpec; why: string | null; onChoose: (chart: ChartSpec | null) => void };

function Controls({ table, chart, why, onChoose }: ControlsProps) {
  const options = (keep: (index: number) => boolean) =>
    table.columns.flatMap((column, index) =>
      keep(index)
        ? [
            <option key={index} value={index}>
              {column.name}
            </option>,
          ]
        : [],
    );
  const kindOf = (index: number) => table.columns[index]?.kind ?? 'null';
  const isTime = (index: number) => kindOf(index) === 'timestamp' || kindOf(index) === 'date';
  const hasTime = table.columns.some((_, index) => isTime(index));
  const first = (keep: (index: number) => boolean, otherwise: number) => {
    const found = table.columns.findIndex((_, index) => keep(index));
    return found < 0 ? otherwise : found;
  };
  const numbers = table.columns.flatMap((_, index) => (isNumeric(kindOf(index)) && index !== chart.x ? [index] : [])).slice(0, SERIES_MAX);
  const asTime = (): ChartSpec => ({ ...chart, kind: 'time', x: first(isTime, chart.x) });
  const asBars = (): ChartSpec => ({ ...chart, kind: 'bars', x: first((index) => kindOf(index) === 'text', chart.x), y: chart.y.slice(0, 1), series: null });
  return (
    <div className="flex flex-wrap items-end gap-x-3 gap-y-2 border-b border-line px-3 py-2">
      <Field label="Chart" className="w-28">
        {(slots) => (
          <Select {...slots} value={chart.kind} onChange={(event) => onChoose(event.target.value === 'time' ? asTime() : asBars())}>
            {hasTime && <option value="time">Lines</option>}
            <option value="bars">Bars</option>
          </Select>
        )}
      </Field>
      <Field label={chart.kind === 'time' ? 'Time' : 'For each'} className="w-36">
        {(slots) => (
          <Select {...slots} value={chart.x} onChange={(event) => onChoose({ ...chart, x: Number(event.target.value) })}>
            {options((index) => (chart.kind === 'time' ? isTime(index) : !chart.y.includes(index)))}
          </Select>
        )}
      </Field>
      <Field label="Value" className="w-36">
        {(slots) => (
          <Select
            {...slots}
            value={chart.y.length > 1 ? ALL : chart.y[0]}
            onChange={(event) => onChoose({ ...chart, y: Number(event.target.value) === ALL ? numbers : [Number(event.target.value)] })}
          >
            {chart.kind === 'time' && chart.series === null && numbers.length > 1 && <option value={ALL}>{chart.y.length > 1 && chart.y.length < numbers.length ? 'several' : 'all numbers'}</option>}
            {options((index) => isNumeric(kindOf(index)) && index !== chart.x)}
          </Select>
        )}
      </Field>
      {chart.kind === 'time' && (
        <Field label="A line for each" className="w-36">
          {(slots) => (
            <Select
              {...slots}
              value={chart.series ?? -1}
              onChange={(event) => onChoose({ ...chart, ...seriesOf(Number(event.target.value), chart) })}
            >
              <option value={-1}>value</option>
              {options((index) => index !== chart.x && !isNumeric(kindOf(index)) && !isTime(index))}
            </Select>
          )}
        </Field>
      )}
      {why === null ? (
        <button type="button" className="min-h-6 pb-1.5 text-xs font-medium text-accent underline" onClick={() => onChoose(null)}>
          Choose for me
        </button>
      ) : (
        <p className="pb-1.5 text-xs text-text-3">{why}</p>
      )}
    </div>
  );
}
