import { usePulse } from '../../api/metrics';
import { freshnessOf } from '../../api/types';
import { formatCount, formatDuration, formatShare, plural, splitDuration, THIN } from '../../lib/format';
import { usePreferences } from '../../lib/preferences';
import { useNow } from '../../lib/useNow';
import { Stat, StatStrip } from '../../ui/Stat';
import { Status } from '../../ui/Status';

/** The metrics tick every second; after three missed ticks a number is called old. */
const STALE_MS = 3500;
const LAG_SECONDS_MAX = 5;

export function HealthStrip() {
  const { now: metrics, receivedAt } = usePulse();
  const now = useNow();
  const target = Number(usePreferences().target);
  const age = receivedAt === null ? 0 : now - receivedAt;
  const stale = age > STALE_MS ? `last update ${Math.round(age / 1000)}${THIN}s ago` : null;
  const freshness = freshnessOf(metrics?.freshness_ms);
  const [fresh, unit] = freshness === null ? ['–', ''] : splitDuration(freshness);
  const p99 = metrics && typeof metrics.freshness_ms === 'object' ? metrics.freshness_ms?.p99 : null;
  const streams = metrics?.streams ?? [];
  // Records that wait are normal; more of them than arrive in a few seconds are not.
  const isBehind = (metrics?.lag ?? 0) > Math.max(1000, (metrics?.events_per_s ?? 0) * LAG_SECONDS_MAX);
  const behind = streams.filter((stream) => stream.state === 'catching_up').length;
  const received = streams.reduce((sum, stream) => sum + Number(stream.n_received ?? stream.n_rows ?? 0), 0);
  const quarantined = metrics?.n_quarantined ?? 0;
  return (
    <StatStrip label="Health">
      <Stat name="Throughput" value={formatCount(metrics ? Math.round(metrics.events_per_s) : null)} unit="events/s" stale={stale} note={plural(streams.length, 'stream')} />
      <Stat
        name="Freshness"
        value={fresh}
        unit={unit}
        stale={stale}
        note={
          freshness !== null && (
            <Status tone={freshness <= target ? 'ok' : 'warn'}>
              target ≤ {target / 1000}{THIN}s{p99 !== null && p99 !== undefined ? ` · p99 ${formatDuration(p99)}` : ''}
            </Status>
          )
        }
      />
      <Stat
        name="Lag"
        value={formatCount(metrics?.lag)}
        unit="records"
        stale={stale}
        note={metrics && <Status tone={behind > 0 || isBehind ? 'info' : 'ok'}>{behind > 0 ? `${plural(behind, 'stream')} catching up` : isBehind ? 'catching up' : 'keeping up'}</Status>}
      />
      <Stat
        name="Quarantine"
        value={formatCount(metrics?.n_quarantined)}
        unit="records"
        stale={stale}
        note={
          metrics && (
            <Status tone={quarantined > 0 ? 'warn' : 'ok'}>
              {quarantined === 0 ? 'every record fits' : received > 0 ? `${formatShare(quarantined / (received + quarantined))} of all` : 'to be looked at'}
            </Status>
          )
        }
      />
    </StatStrip>
  );
}
