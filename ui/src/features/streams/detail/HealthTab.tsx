import { useMemo } from 'react';
import { freshnessOf, lagOf, type MetricsPoint, type Percentiles, type StreamDetail } from '../../../api/types';
import { formatCount, formatDuration, plural, THIN } from '../../../lib/format';
import { topFor } from '../../../lib/peak';
import { usePreferences } from '../../../lib/preferences';
import { Panel } from '../../../ui/Panel';
import { Stat, StatStrip } from '../../../ui/Stat';
import { Status } from '../../../ui/Status';
import { TimeChart } from '../../../ui/TimeChart';
import { Condition } from './Condition';
import { FirstRecord } from './FirstRecord';
import { Misfits } from './Misfits';
import { useMarks } from './marks';
import { Partitions } from './Partitions';
import { StageStrip } from './StageStrip';

/** Where a stream stands, and which part of it is slow. */
export function HealthTab({ stream, history }: { stream: StreamDetail; history: readonly MetricsPoint[] }) {
  const times = useMemo(() => history.map((point) => Date.parse(point.time) / 1000), [history]);
  const rates = useMemo(() => [{ label: 'events/s', values: history.map((point) => point.events_per_s) }], [history]);
  const cut = useMemo(() => topFor(rates[0]?.values ?? []), [rates]);
  const freshness = useMemo(() => freshnessSeries(history), [history]);
  const slowest = useMemo(() => topFor(freshness.at(-1)?.values ?? []), [freshness]);
  const marks = useMarks(stream);
  const target = Number(usePreferences().target);
  const peak = Math.max(0, ...freshness.flatMap(({ values }) => values.slice(-60)).map((value) => value ?? 0));
  return (
    <>
      <Condition stream={stream} />
      <FirstRecord stream={stream} />
      <StageStrip stages={stream.stages ?? []} />
      <Figures stream={stream} target={target} />
      <div className="grid min-w-0 gap-3 lg:grid-cols-2">
        <Panel title="Events per second" note={cut ? `a burst of ${formatCount(cut.peak)} is cut off` : 'last 5 minutes'}>
          <TimeChart label="Events per second" times={times} series={rates} height={188} top={cut?.top} marks={marks} />
        </Panel>
        <Panel title="Freshness" note={slowest ? `a peak of ${formatDuration(slowest.peak)} is cut off` : 'from arrival to queryable, last 5 minutes'}>
          <TimeChart
            label="Freshness"
            times={times}
            series={freshness}
            height={168}
            format={formatDuration}
            // Drawn far above everything, the line would only flatten what there is to see.
            target={peak > target / 4 ? target : undefined}
            top={slowest ? Math.max(slowest.top, peak * 1.1) : undefined}
            marks={marks}
          />
        </Panel>
      </div>
      <Partitions stream={stream} />
      <Misfits stream={stream} />
    </>
  );
}

function Figures({ stream, target }: { stream: StreamDetail; target: number }) {
  const { freshness_ms: freshness } = stream;
  const { p50, p95, p99 } = isSpread(freshness) ? freshness : { p50: freshnessOf(freshness), p95: null, p99: null };
  const lag = lagOf(stream);
  return (
    <StatStrip label="Figures">
      <Stat
        name="Freshness p99"
        value={formatDuration(p99)}
        note={p99 === null ? 'nothing was committed lately' : <Status tone={p99 <= target ? 'ok' : 'warn'}>{`target ≤ ${target / 1000}${THIN}s`}</Status>}
      />
      <Stat name="Freshness p50" value={formatDuration(p50)} note={p95 === null ? '' : `p95 ${formatDuration(p95)}`} />
      <Stat name="Lag" value={formatCount(lag)} unit={lag === null ? undefined : 'records'} note={lag === null ? 'the source cannot say' : lag === 0 ? 'everything is read' : 'not yet read'} />
      <Stat
        name="Records a commit"
        value={formatCount(stream.batch_rows)}
        note={stream.batch_rows && stream.events_per_s ? `about ${plural(Math.max(1, Math.round(stream.events_per_s / stream.batch_rows)), 'commit')} a second` : ''}
      />
    </StatStrip>
  );
}

const isSpread = (value: MetricsPoint['freshness_ms'] | undefined): value is Percentiles => typeof value === 'object' && value !== null;

function freshnessSeries(history: readonly MetricsPoint[]) {
  return (['p50', 'p95', 'p99'] as const).map((label) => ({
    label,
    values: history.map(({ freshness_ms: value }) => (isSpread(value) ? value[label] : label === 'p50' ? value : null)),
  }));
}
