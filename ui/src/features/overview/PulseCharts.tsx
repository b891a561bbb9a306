import { useMemo } from 'react';
import { usePulse } from '../../api/metrics';
import { freshnessOf } from '../../api/types';
import { formatCount, formatDuration } from '../../lib/format';
import { topFor } from '../../lib/peak';
import { Panel } from '../../ui/Panel';
import { TimeChart } from '../../ui/TimeChart';

export function PulseCharts() {
  const { history } = usePulse();
  const times = useMemo(() => history.map((point) => Date.parse(point.time) / 1000), [history]);
  const events = useMemo(() => [{ label: 'events/s', values: history.map((point) => point.events_per_s) }], [history]);
  const cut = useMemo(() => topFor(events[0]?.values ?? []), [events]);
  const freshness = useMemo(() => [{ label: 'behind', values: history.map((point) => freshnessOf(point.freshness_ms)) }], [history]);
  return (
    <div className="grid min-w-0 gap-3 lg:grid-cols-[3fr_2fr]">
      <Panel title="Events per second" note={cut ? `a burst of ${formatCount(cut.peak)} is cut off` : 'last 5 minutes'}>
        <TimeChart label="Events per second" times={times} series={events} height={188} top={cut?.top} />
      </Panel>
      <Panel title="Freshness" note="from arrival to queryable">
        <TimeChart label="Freshness" times={times} series={freshness} height={188} format={formatDuration} />
      </Panel>
    </div>
  );
}
