import { useMemo } from 'react';
import { freshnessOf, type MetricsPoint, type Percentiles, type StreamDetail } from '../../../api/types';
import { formatCount, formatDuration } from '../../../lib/format';
import { topFor } from '../../../lib/peak';
import { Panel } from '../../../ui/Panel';
import { Status } from '../../../ui/Status';
import { TimeChart } from '../../../ui/TimeChart';
import { Partitions } from './Partitions';
import { StageStrip } from './StageStrip';

/** Where a stream stands, and which part of it is slow. */
export function HealthTab({ stream, history }: { stream: StreamDetail; history: readonly MetricsPoint[] }) {
  const times = useMemo(() => history.map((point) => Date.parse(point.time) / 1000), [history]);
  const rates = useMemo(() => [{ label: 'events/s', values: history.map((point) => point.events_per_s) }], [history]);
  const cut = useMemo(() => topFor(rates[0]?.values ?? []), [rates]);
  const freshness = useMemo(() => freshnessSeries(history), [history]);
  return (
    <>
      <Condition stream={stream} />
      <StageStrip stages={stream.stages ?? []} />
      <div className="grid min-w-0 gap-3 lg:grid-cols-2">
        <Panel title="Events per second" note={cut ? `a burst of ${formatCount(cut.peak)} is cut off` : 'last 5 minutes'}>
          <TimeChart label="Events per second" times={times} series={rates} height={188} top={cut?.top} />
        </Panel>
        <Panel title="Freshness" note={now(stream.freshness_ms)}>
          <TimeChart label="Freshness" times={times} series={freshness} height={freshness.length > 1 ? 168 : 188} format={formatDuration} />
        </Panel>
      </div>
      <Partitions stream={stream} />
    </>
  );
}

/** What is wrong and what to do, where anything is. */
function Condition({ stream }: { stream: StreamDetail }) {
  if (!stream.message && stream.state === 'running' && stream.last_commit_at) return null;
  const tone = stream.state === 'failed' ? 'crit' : stream.state === 'degraded' ? 'warn' : 'info';
  const message = stream.message || WORDS[stream.state] || 'Connected. No record has arrived yet.';
  return (
    <section aria-label="Condition" className="rounded-lg border border-line bg-surface px-3 py-2">
      <Status tone={stream.state === 'paused' ? 'idle' : tone}>
        {stream.cause ? `${stream.cause.replaceAll('_', ' ')}: ` : ''}
        {message}
      </Status>
      {stream.hint && <p className="mt-1 max-w-prose text-text-2">{stream.hint}</p>}
    </section>
  );
}

const WORDS: Partial<Record<StreamDetail['state'], string>> = {
  paused: 'Paused. Nothing is read until the stream is resumed; then it goes on where it stopped.',
  catching_up: 'Reading what has piled up at the source.',
};

const percentiles = (value: MetricsPoint['freshness_ms']): value is Percentiles => typeof value === 'object' && value !== null;

function freshnessSeries(history: readonly MetricsPoint[]) {
  if (!history.some((point) => percentiles(point.freshness_ms))) {
    return [{ label: 'behind', values: history.map((point) => freshnessOf(point.freshness_ms)) }];
  }
  return (['p50', 'p95', 'p99'] as const).map((label) => ({
    label,
    // What was before this page was opened is known by its median only.
    values: history.map((point) => (percentiles(point.freshness_ms) ? point.freshness_ms[label] : label === 'p50' ? point.freshness_ms : null)),
  }));
}

function now(freshness: StreamDetail['freshness_ms']): string {
  if (!percentiles(freshness ?? null)) return `now ${formatDuration(freshnessOf(freshness))}`;
  const { p50, p95, p99 } = freshness as Percentiles;
  return `now p50 ${formatDuration(p50)} · p95 ${formatDuration(p95)} · p99 ${formatDuration(p99)}`;
}
