import { useNow } from '../../lib/useNow';
import { Empty, Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Status } from '../../ui/Status';
import { Table } from '../../ui/Table';
import { Ago } from '../../ui/Time';
import { SinkTable } from '../sinks/SinkTable';
import { useClusters, useSinks } from '../sinks/sinks';

/** The clusters that rows are delivered to and questions are asked of, and every sink. */
export function ClustersPart() {
  const clusters = useClusters();
  const sinks = useSinks();
  const now = useNow();
  return (
    <>
      <Panel title="Clusters" note="system.clusters">
        {clusters.isError && <Failure error={clusters.error} doing="reading the clusters" onRetry={() => void clusters.refetch()} />}
        {!clusters.data?.length && !clusters.isError && (
          <Empty title="No cluster yet">
            CREATE CLUSTER ch FROM CLICKHOUSE (url = 'https://host:8443', user = 'helios', password = SECRET 'ch', database = 'analytics') makes one.
          </Empty>
        )}
        {clusters.data && clusters.data.length > 0 && (
          <Table
            label="Clusters"
            rows={clusters.data}
            rowKey={(row) => row.name}
            columns={[
              { id: 'state', header: 'State', cell: (row) => <Status tone={row.message ? 'warn' : row.version ? 'ok' : 'idle'}>{row.message ? 'away' : row.version ? 'answers' : 'not asked'}</Status> },
              { id: 'name', header: 'Name', cell: (row) => <span className="isolate-text">{row.name}</span> },
              { id: 'url', header: 'Hosts', cell: (row) => <span className="font-mono">{row.url}</span> },
              { id: 'version', header: 'Version', wideOnly: true, cell: (row) => row.version ?? '–' },
              { id: 'database', header: 'Database', wideOnly: true, cell: (row) => row.database },
              { id: 'answered', header: 'Answered', cell: (row) => (row.answered_at ? <Ago at={row.answered_at} now={now} /> : '–') },
              { id: 'message', header: 'Last error', className: 'w-full', cell: (row) => row.message ?? '–' },
            ]}
          />
        )}
      </Panel>
      {sinks.data && sinks.data.length > 0 && (
        <Panel title="Sinks" note="system.sinks">
          <SinkTable sinks={sinks.data} withStream />
        </Panel>
      )}
    </>
  );
}
