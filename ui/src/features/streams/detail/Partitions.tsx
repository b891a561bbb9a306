import type { StreamDetail } from '../../../api/types';
import { formatExact, plural } from '../../../lib/format';
import { Empty } from '../../../ui/Empty';
import { Panel } from '../../../ui/Panel';
import { Table } from '../../../ui/Table';

const ROWS_MAX = 200;

/** Where reading stands in each partition of the source, those furthest behind first. */
export function Partitions({ stream }: { stream: StreamDetail }) {
  const partitions = (stream.partitions ?? []).toSorted((a, b) => (b.lag ?? 0) - (a.lag ?? 0) || a.partition.localeCompare(b.partition, 'en', { numeric: true }));
  const top = Math.max(1, ...partitions.map((one) => one.lag ?? 0));
  return (
    <Panel title="Lag by partition" note={plural(partitions.length, 'partition')}>
      {partitions.length === 0 ? (
        <Empty title="No partition yet">Positions appear with the first commit.</Empty>
      ) : (
        <Table
          label="Lag by partition"
          rows={partitions.slice(0, ROWS_MAX)}
          rowKey={(one) => one.partition}
          caption={partitions.length > ROWS_MAX ? `The ${ROWS_MAX} furthest behind of ${partitions.length}.` : undefined}
          columns={[
            { id: 'partition', header: 'Partition', className: 'max-w-40 truncate font-mono', cell: (one) => one.partition },
            { id: 'position', header: 'Stored position', className: 'max-w-56 truncate font-mono', cell: (one) => one.position ?? <i className="text-text-3">none</i> },
            { id: 'lag', header: 'Records behind', align: 'right', cell: (one) => formatExact(one.lag) },
            {
              id: 'bar',
              header: <span className="sr-only">Share of the largest lag</span>,
              wideOnly: true,
              className: 'w-2/5',
              cell: (one) => (
                <span aria-hidden data-mark className="block h-2 rounded-sm bg-sunken">
                  <span className="block h-2 rounded-sm bg-accent" style={{ width: `${((one.lag ?? 0) / top) * 100}%` }} />
                </span>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
