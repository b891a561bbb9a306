import { useMutation, useQuery } from '@tanstack/react-query';
import { Download, SquareTerminal } from 'lucide-react';
import { useState } from 'react';
import { allRecords, RECORDS_MAX, recordsQuery, type QuarantineClass, type QuarantinedRecord } from '../../api/quarantine';
import { drawnText } from '../../lib/drawnText';
import { downloadText } from '../../lib/download';
import { formatBytes, formatExact, plural } from '../../lib/format';
import { useOpenQuery } from '../../lib/openQuery';
import { quoteText } from '../../lib/sqlText';
import { Button } from '../../ui/Button';
import { Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { Table } from '../../ui/Table';
import { Timestamp } from '../../ui/Time';
import { toast } from '../../ui/Toast';
import { Payload } from './Payload';

/** The records of one cause. */
export function ClassDetail({ one }: { one: QuarantineClass }) {
  const records = useQuery(recordsQuery(one));
  const [position, setPosition] = useState<string | null>(null);
  const openQuery = useOpenQuery();
  const rows = records.data ?? [];
  const id = (record: QuarantinedRecord) => `${record.partition} ${record.position}`;
  const shown = rows.find((record) => id(record) === position) ?? rows[0] ?? null;
  const download = useMutation({
    mutationFn: () => allRecords(one),
    onSuccess: (all) => downloadText(`${one.stream}-quarantine.ndjson`, 'application/x-ndjson', all.map((record) => `${JSON.stringify(record)}\n`).join('')),
    onError: (error) => toast(`Cannot download: ${error.message}`, 'crit'),
  });
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <Panel
        title={<span className="[overflow-wrap:anywhere]">{one.reason}</span>}
        note={one.path && <span className="isolate-text font-mono">{one.path}</span>}
        actions={
          <>
            <Button onClick={() => openQuery(querySql(one))}>
              <SquareTerminal size={14} aria-hidden />
              Query
            </Button>
            <Button disabled={download.isPending} onClick={() => download.mutate()}>
              <Download size={14} aria-hidden />
              Download NDJSON
            </Button>
          </>
        }
      >
        {records.isPending && <Skeleton label="Loading the records" rows={6} />}
        {records.isError && <Failure error={records.error} doing="reading the records" onRetry={() => void records.refetch()} />}
        {rows.length > 0 && (
          <div className="max-h-72 overflow-auto">
            <Table
              label="Records"
              rows={rows}
              rowKey={id}
              caption={Number(one.n_records) > RECORDS_MAX ? `The newest ${RECORDS_MAX} of ${plural(one.n_records, 'record')}.` : undefined}
              columns={[
                { id: 'time', header: 'Arrived', cell: (record) => <Timestamp at={record.time} /> },
                { id: 'partition', header: 'Partition', wideOnly: true, className: 'font-mono', cell: (record) => record.partition },
                { id: 'position', header: 'Position', className: 'max-w-40 truncate font-mono', cell: (record) => record.position },
                { id: 'size', header: 'Size', align: 'right', wideOnly: true, cell: (record) => formatBytes(record.payload_bytes) },
                {
                  id: 'payload',
                  header: 'Payload',
                  className: 'w-full max-w-0',
                  cell: (record) => (
                    <button
                      type="button"
                      aria-pressed={record === shown}
                      onClick={() => setPosition(id(record))}
                      className={`block w-full min-w-24 truncate text-left font-mono ${record === shown ? 'font-semibold text-accent' : 'text-text-2 hover:text-text'}`}
                    >
                      {drawnText(record.payload ?? '')}
                    </button>
                  ),
                },
              ]}
            />
          </div>
        )}
      </Panel>
      {shown && (
        <Panel title="Record" note={`partition ${shown.partition}, position ${shown.position}, commit ${formatExact(shown.commit)}`}>
          <Payload record={shown} />
        </Panel>
      )}
    </div>
  );
}

function querySql(one: QuarantineClass): string {
  const path = one.path ? `path = ${quoteText(one.path)}` : `coalesce(path, '') = ''`;
  return `SELECT time, partition, position, payload\nFROM system.quarantine\nWHERE stream = ${quoteText(one.stream)} AND reason = ${quoteText(one.reason)} AND ${path}\nORDER BY time DESC\nLIMIT 1000;`;
}
