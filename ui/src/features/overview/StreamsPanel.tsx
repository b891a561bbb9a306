import { Link } from '@tanstack/react-router';
import { freshnessOf, lagOf, type StreamSummary } from '../../api/types';
import { formatCount, formatDuration } from '../../lib/format';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { StreamStatus } from '../../ui/Status';
import { Table } from '../../ui/Table';

export function StreamsPanel({ streams, loading }: { streams: readonly StreamSummary[]; loading: boolean }) {
  return (
    <Panel title="Streams" actions={<Link to="/streams" className="px-1 text-xs font-medium text-accent underline">All streams</Link>}>
      {loading ? (
        <Skeleton label="Loading the streams" rows={2} />
      ) : (
        <Table
          label="Streams"
          rows={streams.slice(0, 8)}
          rowKey={(stream) => stream.name}
          columns={[
            {
              id: 'name',
              header: 'Name',
              className: 'max-w-48',
              cell: (stream) => (
                <Link to="/streams/$name" params={{ name: stream.name }} className="isolate-text block truncate font-medium text-accent hover:underline">
                  {stream.name}
                </Link>
              ),
            },
            { id: 'state', header: 'State', cell: (stream) => <StreamStatus state={stream.state} /> },
            { id: 'rate', header: 'Events/s', align: 'right', cell: (stream) => formatCount(stream.events_per_s === null || stream.events_per_s === undefined ? null : Math.round(stream.events_per_s)) },
            { id: 'lag', header: 'Lag', align: 'right', wideOnly: true, cell: (stream) => formatCount(lagOf(stream)) },
            { id: 'fresh', header: 'Freshness', align: 'right', cell: (stream) => formatDuration(freshnessOf(stream.freshness_ms)) },
            {
              id: 'quarantine',
              header: 'Quarantine',
              align: 'right',
              wideOnly: true,
              cell: (stream) =>
                stream.n_quarantined ? (
                  <Link to="/quarantine" search={{ stream: stream.name } as never} className="text-warn underline">
                    {formatCount(stream.n_quarantined)}
                  </Link>
                ) : (
                  formatCount(stream.n_quarantined)
                ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
