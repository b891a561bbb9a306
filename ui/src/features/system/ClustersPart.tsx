import { useMutation, useQueryClient } from '@tanstack/react-query';
import { rowsOf } from '../../api/sql';
import { useNow } from '../../lib/useNow';
import { Button } from '../../ui/Button';
import { Code } from '../../ui/Code';
import { Empty, Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Status } from '../../ui/Status';
import { Table } from '../../ui/Table';
import { Ago } from '../../ui/Time';
import { SinkTable } from '../sinks/SinkTable';
import { checkCluster, CLUSTER_TONES, FINDING_TONES, useClusters, useSinks, type ClusterRow, type Finding } from '../sinks/sinks';
import { Troubles } from '../sinks/Troubles';

/** The clusters that rows are delivered to and questions are asked of, and every sink. */
export function ClustersPart() {
  const clusters = useClusters();
  const sinks = useSinks();
  const queries = useQueryClient();
  const check = useMutation({
    mutationFn: (row: ClusterRow) => rowsOf<Finding>(checkCluster(row.name, row.url)),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['system'] }),
  });
  return (
    <>
      <Panel title="Clusters" note="system.clusters">
        {clusters.isError && <Failure error={clusters.error} doing="reading the clusters" onRetry={() => void clusters.refetch()} />}
        {!clusters.data?.length && !clusters.isError && (
          <Empty title="No cluster yet">
            CREATE CLUSTER ch FROM CLICKHOUSE (url = 'https://host:8443', user = 'helios', password = SECRET 'ch', database = 'analytics') makes one.
          </Empty>
        )}
        {clusters.data && clusters.data.length > 0 && <ClusterTable clusters={clusters.data} isChecking={check.isPending} onCheck={check.mutate} />}
      </Panel>
      {check.variables && (
        <Panel title={`Checks of ${check.variables.name}`} note={check.isPending ? 'looking' : 'reach, login, version, rights'}>
          <div className="flex min-w-0 flex-col gap-3 p-3">
            <Code label="Statement" text={checkCluster(check.variables.name, check.variables.url)} />
            {check.isError && <Failure error={check.error} doing={`checking ${check.variables.name}`} onRetry={() => check.mutate(check.variables)} />}
            {check.isSuccess && <Findings findings={check.data} />}
          </div>
        </Panel>
      )}
      {sinks.data && sinks.data.length > 0 && (
        <Panel title="Sinks" note="system.sinks">
          <SinkTable sinks={sinks.data} withStream />
        </Panel>
      )}
    </>
  );
}

function ClusterTable({ clusters, isChecking, onCheck }: { clusters: ClusterRow[]; isChecking: boolean; onCheck: (row: ClusterRow) => void }) {
  const now = useNow();
  const troubles = clusters.flatMap((row) => (row.message ? [{ name: row.name, text: troubleOf(row) }] : []));
  return (
    <>
      <Table
        label="Clusters"
        rows={clusters}
        rowKey={(row) => row.name}
        columns={[
          { id: 'state', header: 'State', cell: (row) => <Status tone={CLUSTER_TONES[row.state] ?? 'idle'}>{row.state}</Status> },
          { id: 'name', header: 'Name', cell: (row) => <span className="isolate-text">{row.name}</span> },
          { id: 'host', header: 'Host asked', wideOnly: true, cell: (row) => <span className="font-mono">{row.host ?? row.url}</span> },
          { id: 'version', header: 'Version', wideOnly: true, cell: (row) => row.version ?? '–' },
          { id: 'database', header: 'Database', wideOnly: true, cell: (row) => row.database },
          { id: 'answered', header: 'Answered', wideOnly: true, cell: (row) => (row.answered_at ? <Ago at={row.answered_at} now={now} /> : '–') },
          {
            id: 'message',
            header: 'Last error',
            className: 'w-full',
            wideOnly: true,
            cell: (row) => (row.message ? <span className="text-crit">{troubleOf(row)}</span> : '–'),
          },
          {
            id: 'actions',
            header: <span className="sr-only">Actions</span>,
            className: 'text-right',
            cell: (row) => (
              <Button kind="outline" aria-label={`Check ${row.name}`} disabled={isChecking} onClick={() => onCheck(row)}>
                Check
              </Button>
            ),
          },
        ]}
      />
      <Troubles troubles={troubles} />
    </>
  );
}

const troubleOf = (row: ClusterRow) => [row.message, row.hint].filter(Boolean).join('. ');

function Findings({ findings }: { findings: Finding[] }) {
  return (
    <Table
      label="Checks"
      rows={findings}
      rowKey={(_, index) => String(index)}
      columns={[
        { id: 'result', header: 'Result', cell: (row) => <Status tone={FINDING_TONES[row.result] ?? 'idle'}>{row.result}</Status> },
        { id: 'about', header: 'Check', cell: (row) => row.about },
        { id: 'detail', header: 'Found', className: 'w-full', cell: (row) => row.detail },
      ]}
    />
  );
}
