import { useMutation, useQuery } from '@tanstack/react-query';
import { request } from '../../api/client';
import { rowsOf } from '../../api/sql';
import { streamsQuery } from '../../api/streams';
import { formatBytes, formatCount, formatExact, plural } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Empty, Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { Status } from '../../ui/Status';
import { Table } from '../../ui/Table';

type Files = { stream: string; n_files: number; n_rows: number; size_bytes: number };
type Balance = { stream: string; received: number; stored: number; quarantined: number; filtered: number; deduplicated: number; balances: boolean };

/** What is on disk, and the proof that nothing was lost or doubled. */
export function StoragePart() {
  const files = useQuery({
    queryKey: ['system', 'files'],
    refetchInterval: 5000,
    queryFn: ({ signal }) =>
      rowsOf<Files>('SELECT stream, count(*) AS n_files, sum(n_rows) AS n_rows, sum(size_bytes) AS size_bytes FROM system.files GROUP BY stream ORDER BY 4 DESC', undefined, signal),
  });
  const streams = useQuery(streamsQuery);
  const retain = new Map((streams.data ?? []).map((stream) => [stream.name, stream.retain]));
  return (
    <>
      <Panel title="Files" note="Parquet, readable by every tool that reads Parquet">
        {files.isPending && <Skeleton label="Loading the files" />}
        {files.isError && <Failure error={files.error} doing="reading the files" onRetry={() => void files.refetch()} />}
        {files.data?.length === 0 && <Empty title="No file yet">New rows stay in the catalog until compaction writes them into large, sorted files: after half a minute at low rates, sooner at high ones.</Empty>}
        {files.data && files.data.length > 0 && (
          <Table
            label="Files"
            rows={files.data}
            rowKey={(row) => row.stream}
            columns={[
              { id: 'stream', header: 'Stream', className: 'isolate-text font-medium', cell: (row) => row.stream },
              { id: 'files', header: 'Files', align: 'right', cell: (row) => formatCount(row.n_files) },
              { id: 'rows', header: 'Rows', align: 'right', cell: (row) => formatCount(row.n_rows) },
              { id: 'size', header: 'Size', align: 'right', cell: (row) => formatBytes(row.size_bytes) },
              { id: 'per', header: 'Per row', align: 'right', wideOnly: true, cell: (row) => formatBytes(Number(row.n_rows) > 0 ? Math.round(Number(row.size_bytes) / Number(row.n_rows)) : null) },
              { id: 'retain', header: 'Kept', wideOnly: true, cell: (row) => retain.get(row.stream) || 'for ever' },
            ]}
          />
        )}
      </Panel>
      <Ledger />
    </>
  );
}

/** Every record received ends in exactly one place; here they are added up. */
function Ledger() {
  const ledger = useQuery({
    queryKey: ['system', 'ledger'],
    refetchInterval: 5000,
    queryFn: ({ signal }) =>
      rowsOf<Balance>(
        `SELECT stream, sum(received) AS received, sum(stored) AS stored, sum(quarantined) AS quarantined, sum(filtered) AS filtered, sum(deduplicated) AS deduplicated,
           sum(received) = sum(stored + quarantined + filtered + deduplicated) AS balances FROM system.ledger GROUP BY stream ORDER BY stream`,
        undefined,
        signal,
      ),
  });
  const recount = useMutation({ mutationFn: () => request<{ ok: boolean; partitions: { stream: string; partition: string; problem: string }[] }>('/api/v1/verify') });
  const wrong = recount.data?.partitions.filter((partition) => partition.problem) ?? [];
  const number = (id: keyof Balance, header: string, wideOnly = true) => ({ id, header, align: 'right' as const, wideOnly, cell: (row: Balance) => formatExact(row[id] as number) });
  return (
    <Panel
      title="Ledger"
      note="received = stored + quarantined + filtered + deduplicated"
      actions={
        <Button kind="outline" disabled={recount.isPending} onClick={() => recount.mutate()}>
          {recount.isPending ? 'Recounting…' : 'Recount every row'}
        </Button>
      }
    >
      {ledger.isPending && <Skeleton label="Loading the ledger" />}
      {ledger.isError && <Failure error={ledger.error} doing="reading the ledger" onRetry={() => void ledger.refetch()} />}
      {recount.isError && <Failure error={recount.error} doing="recounting" />}
      {recount.data && (
        <p role="status" className="border-b border-line px-3 py-2">
          {recount.data.ok ? (
            <Status tone="ok">Recounted {plural(recount.data.partitions.length, 'partition')}: what is stored agrees with the ledger.</Status>
          ) : (
            wrong.map((one) => (
              <Status key={`${one.stream} ${one.partition}`} tone="crit">
                {one.stream}, partition {one.partition}: {one.problem}
              </Status>
            ))
          )}
        </p>
      )}
      {ledger.data?.length === 0 && <Empty title="Nothing received yet" />}
      {ledger.data && ledger.data.length > 0 && (
        <Table
          label="Ledger"
          rows={ledger.data}
          rowKey={(row) => row.stream}
          columns={[
            { id: 'stream', header: 'Stream', className: 'isolate-text font-medium', cell: (row) => row.stream },
            { id: 'balances', header: 'Adds up', cell: (row) => <Status tone={row.balances ? 'ok' : 'crit'}>{row.balances ? 'yes' : 'no'}</Status> },
            number('received', 'Received', false),
            number('stored', 'Stored', false),
            number('quarantined', 'Quarantined'),
            number('filtered', 'Filtered'),
            number('deduplicated', 'Deduplicated'),
          ]}
        />
      )}
    </Panel>
  );
}
