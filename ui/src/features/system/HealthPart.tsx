import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { usePulse } from '../../api/metrics';
import { formatBytes, formatCount, formatDuration, plural } from '../../lib/format';
import { useNow } from '../../lib/useNow';
import { Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Stat, StatStrip } from '../../ui/Stat';
import { Status, StreamStatus } from '../../ui/Status';
import { Table } from '../../ui/Table';
import { percentile, samplesQuery, total } from './metrics';

const NORMAL_MEMORY = 1024 ** 3;

/** Is it well? */
export function HealthPart() {
  const samples = useQuery(samplesQuery);
  const { now: metrics } = usePulse();
  const now = useNow();
  if (samples.isError) return <Failure error={samples.error} doing="reading the metrics" onRetry={() => void samples.refetch()} />;
  const found = samples.data ?? [];
  const started = total(found, 'process_start_time_seconds');
  const uptime = started === null ? null : now - started * 1000;
  const cpu = total(found, 'process_cpu_seconds_total');
  const memory = total(found, 'process_resident_memory_bytes');
  const tail = total(found, 'helios_lake_tail_bytes');
  const unwell = (metrics?.streams ?? []).filter((stream) => stream.state === 'failed' || stream.state === 'degraded');
  return (
    <>
      <StatStrip label="Process">
        <Stat
          name="Memory"
          value={formatBytes(memory)}
          note={memory !== null && <Status tone={memory < NORMAL_MEMORY ? 'ok' : 'warn'}>{memory < NORMAL_MEMORY ? 'under 1 GiB' : 'more than 1 GiB'}</Status>}
        />
        <Stat name="Processor time" value={formatDuration(cpu === null ? null : cpu * 1000)} note={cpu !== null && uptime ? `${((cpu * 1000 * 100) / uptime).toFixed(0)} % of one core on average` : undefined} />
        <Stat name="Running for" value={formatDuration(uptime)} note={plural(total(found, 'helios_commits_total') ?? 0, 'commit')} />
        <Stat name="Tail in memory" value={formatBytes(tail)} note="rows not yet in a large file" />
      </StatStrip>
      <Panel title="Streams that need somebody">
        {unwell.length === 0 ? (
          <p className="p-3">
            <Status tone="ok">{metrics ? `None of ${plural(metrics.streams.length, 'stream')}` : 'Waiting for the server'}</Status>
          </p>
        ) : (
          <Table
            label="Streams that need somebody"
            rows={unwell}
            rowKey={(stream) => stream.name}
            columns={[
              {
                id: 'name',
                header: 'Name',
                cell: (stream) => (
                  <Link to="/streams/$name" params={{ name: stream.name }} search={{ tab: 'health' } as never} className="isolate-text font-medium text-accent hover:underline">
                    {stream.name}
                  </Link>
                ),
              },
              { id: 'state', header: 'State', cell: (stream) => <StreamStatus state={stream.state} /> },
              { id: 'message', header: 'What happened', cell: (stream) => stream.message },
              { id: 'hint', header: 'What to do', wideOnly: true, cell: (stream) => stream.hint },
            ]}
          />
        )}
      </Panel>
      <Panel title="How long things take" note="since the server started">
        <Table
          label="How long things take"
          rows={[
            { name: 'Commit', metric: 'helios_commit_seconds_bucket' as const },
            { name: 'Compaction', metric: 'helios_compaction_seconds_bucket' as const },
            { name: 'Query', metric: 'helios_query_seconds_bucket' as const },
          ]}
          rowKey={(row) => row.name}
          columns={[
            { id: 'name', header: 'What', cell: (row) => row.name },
            ...([0.5, 0.95, 0.99] as const).map((share) => ({
              id: String(share),
              header: `p${share * 100}`,
              align: 'right' as const,
              cell: (row: { metric: 'helios_commit_seconds_bucket' | 'helios_compaction_seconds_bucket' | 'helios_query_seconds_bucket' }) => {
                const seconds = percentile(found, row.metric, share);
                return formatDuration(seconds === null ? null : seconds * 1000);
              },
            })),
          ]}
        />
      </Panel>
      <p className="text-xs text-text-3">
        {formatCount(total(found, 'helios_rows_total'))} rows stored and {formatCount(total(found, 'helios_queries_total'))} statements answered since the start. The same numbers for
        Prometheus: <a className="text-accent underline" href="/metrics">/metrics</a>.
      </p>
    </>
  );
}
