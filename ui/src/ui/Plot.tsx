import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatTick, formatTimestamp, type Zone } from '../lib/format';
import { cssToken, usePreferences, useShownTheme } from '../lib/preferences';
import { marksWithin, type Mark, type TimeChartProps } from './TimeChart';

type PlotProps = TimeChartProps & { height: number; format: (value: number) => string; summary: string };

const FONT = '11px "IBM Plex Sans Variable", sans-serif';
/** What ticks of time may stand apart, in seconds. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800, 2_592_000];
const DASHES: readonly (number[] | undefined)[] = [undefined, [6, 3], [2, 3], [8, 3, 2, 3]];

/** A time on the axis; where whole days lie between two, the day says more than the hour. */
const tick = (second: number, step: number, zone: Zone) => (step < 86_400 ? formatTick(second, zone) : formatTimestamp(second * 1000, zone).slice(0, 10));

/** uPlot, which draws fast and knows nothing of themes, keyboards or screen readers; those are added here. */
export default function Plot({ times, series, height, format, summary, target, top, marks }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef({ format, target, top, marks });
  const theme = useShownTheme();
  const { zone } = usePreferences();
  const [readout, setReadout] = useState('');
  const names = series.map((one) => one.label).join('\n');

  useEffect(() => {
    newest.current = { format, target, top, marks };
  });

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const labels = names.split('\n');
    const axis = { stroke: cssToken('--text-3'), ticks: { show: false }, gap: 6, font: FONT, labelSize: 0 };
    const grid = { stroke: cssToken('--line'), width: 1 };
    const made = new uPlot(
      {
        width: Math.max(120, element.clientWidth),
        height,
        padding: [10, 26, 0, 0],
        legend: { show: false },
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        scales: {
          // An area that does not start at zero lies about its size.
          y: { range: (_self, min, max) => [Math.min(0, min ?? 0) * 1.08, newest.current.top ?? Math.max(1e-9, max ?? 0, newest.current.target ?? 0) * 1.08] },
        },
        axes: [
          { ...axis, grid: { show: false }, space: 72, size: 24, incrs: SECONDS, values: (_self, at, _axis, _space, step) => at.map((second) => tick(second, step, zone)) },
          { ...axis, grid, size: 58, values: (_self, values) => values.map((value) => newest.current.format(value)) },
        ],
        series: [
          {},
          ...labels.map((label, index) => {
            const stroke = cssToken(`--c${index + 1}`);
            const fill = labels.length === 1 ? `${stroke}1f` : undefined;
            return { label, stroke, width: 1.5, fill, dash: DASHES[index % DASHES.length], points: { show: false } };
          }),
        ],
        hooks: {
          draw: [(self) => drawTarget(self, newest.current.target), (self) => drawMarks(self, newest.current.marks ?? [])],
        },
      },
      [[], ...labels.map(() => [])],
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: Math.max(120, element.clientWidth), height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme, zone, names, height]);

  useEffect(() => {
    plot.current?.setData([times as number[], ...series.map((one) => one.values as (number | null)[])]);
  }, [times, series, theme, zone, names, height]);

  const move = (event: KeyboardEvent) => {
    const made = plot.current;
    if (!made || times.length === 0) return;
    const here = made.cursor.idx ?? times.length - 1;
    const steps: Record<string, number> = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: times.length - 1 };
    const wanted = steps[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    const index = Math.min(times.length - 1, Math.max(0, wanted));
    const time = times[index] ?? 0;
    made.setCursor({ left: made.valToPos(time, 'x'), top: made.over.clientHeight / 2 });
    const values = series.map((one) => {
      const value = one.values[index];
      return `${one.label} ${value === null || value === undefined ? 'unknown' : format(value)}`;
    });
    setReadout(`${formatTimestamp(time * 1000, zone, 'second')}: ${values.join(', ')}`);
  };

  return (
    <>
      <div ref={place} role="img" aria-label={`${summary} Arrow keys read single values.`} tabIndex={0} onKeyDown={move} className="w-full overflow-hidden" style={{ height }} />
      <p aria-live="polite" className="num absolute top-2 right-10 left-16 truncate text-2xs text-text-3">
        {readout}
      </p>
    </>
  );
}

function drawTarget(self: uPlot, target: number | undefined): void {
  if (target === undefined) return;
  const y = Math.round(self.valToPos(target, 'y', true)) + 0.5;
  const { ctx, bbox } = self;
  ctx.save();
  ctx.strokeStyle = cssToken('--warn');
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** A name is left out where the one before it still stands. */
function drawMarks(self: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = self;
  ctx.save();
  ctx.strokeStyle = cssToken('--line-strong');
  ctx.fillStyle = cssToken('--text-2');
  ctx.font = `${11 * devicePixelRatio}px "IBM Plex Sans Variable", sans-serif`;
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  let free = bbox.left;
  for (const { time, label } of marksWithin(marks, self.data[0])) {
    const x = Math.round(self.valToPos(time, 'x', true)) + 0.5;
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(label).width;
    const isRoom = x + 5 + width <= bbox.left + bbox.width;
    const left = isRoom ? x + 5 : x - 5 - width;
    if (left < free) continue;
    ctx.fillText(label, left, bbox.top + 2);
    free = left + width + 10;
  }
  ctx.restore();
}
