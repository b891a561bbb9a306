import { useMutation, useQuery } from '@tanstack/react-query';
import { Download, SquareTerminal, Trash2, Wrench } from 'lucide-react';
import { useState } from 'react';
import { RECORDS_MAX, recordsQuery, selectRecords, type QuarantineClass } from '../../api/quarantine';
import { rowsOf } from '../../api/sql';
import { downloadText } from '../../lib/download';
import { formatExact, plural } from '../../lib/format';
import { useOpenQuery } from '../../lib/openQuery';
import { Button } from '../../ui/Button';
import { Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { Status } from '../../ui/Status';
import { toast } from '../../ui/Toast';
import { ClassRate } from './ClassRate';
import { DiscardDialog } from './DiscardDialog';
import { FixDialog } from './FixDialog';
import { Payload } from './Payload';
import { RecordTable } from './RecordTable';

/** A browser holds this many records of a download without trouble; the Query page exports the rest. */
const DOWNLOAD_MAX = 100_000;

/** The records of one cause, and what can be done with them. */
export function ClassDetail({ one }: { one: QuarantineClass }) {
  const records = useQuery(recordsQuery(one));
  const [chosen, setChosen] = useState<number | string | null>(null);
  const [dialog, setDialog] = useState<'fix' | 'discard' | null>(null);
  const openQuery = useOpenQuery();
  const rows = records.data ?? [];
  const shown = rows.find((record) => record.id === chosen) ?? rows[0] ?? null;
  const download = useMutation({
    mutationFn: () => rowsOf(`${selectRecords(one)} LIMIT ${DOWNLOAD_MAX}`),
    onSuccess: (all) => downloadText(`${one.stream}-quarantine.ndjson`, 'application/x-ndjson', all.map((record) => `${JSON.stringify(record)}\n`).join('')),
    onError: (error) => toast(`Cannot download: ${error.message}`, 'crit'),
  });
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <Panel
        title={<span className="[overflow-wrap:anywhere]">{one.reason}</span>}
        note={one.path && <span className="isolate-text font-mono">{one.path}</span>}
        actions={
          <div className="flex flex-wrap justify-end gap-1">
            <Button onClick={() => openQuery(`${selectRecords(one, 'time, partition, position, reason, payload')}\nLIMIT 1000;`)}>
              <SquareTerminal size={14} aria-hidden />
              Query
            </Button>
            <Button disabled={download.isPending} onClick={() => download.mutate()}>
              <Download size={14} aria-hidden />
              Download
            </Button>
            <Button disabled={one.n_open === 0} onClick={() => setDialog('discard')}>
              <Trash2 size={14} aria-hidden />
              Discard
            </Button>
            <Button kind="primary" disabled={one.n_open === 0} onClick={() => setDialog('fix')}>
              <Wrench size={14} aria-hidden />
              Fix and replay
            </Button>
          </div>
        }
      >
        {one.n_open === 0 && (
          <p className="border-b border-line px-3 py-2">
            <Status tone="ok">None is open any more; {plural(one.n_records, 'record')} dealt with.</Status>
          </p>
        )}
        <ClassRate one={one} />
        {records.isPending && <Skeleton label="Loading the records" rows={6} />}
        {records.isError && <Failure error={records.error} doing="reading the records" onRetry={() => void records.refetch()} />}
        {rows.length > 0 && (
          <RecordTable
            rows={rows}
            shown={shown}
            onShow={setChosen}
            caption={one.n_open > RECORDS_MAX ? `The newest ${RECORDS_MAX} of ${plural(one.n_open, 'open record')}.` : undefined}
          />
        )}
      </Panel>
      {shown && (
        <Panel title="Record" note={`partition ${shown.partition}, position ${shown.position}, commit ${formatExact(shown.commit)}`}>
          <p className="border-b border-line px-3 py-1.5 [overflow-wrap:anywhere]">
            <Status tone={shown.state === 'open' ? 'warn' : 'ok'}>
              {shown.state === 'open' ? shown.reason : shown.state}
              {shown.note && `: ${shown.note}`}
            </Status>
          </p>
          <Payload record={shown} />
        </Panel>
      )}
      {dialog === 'fix' && <FixDialog one={one} record={shown} onClose={() => setDialog(null)} />}
      {dialog === 'discard' && <DiscardDialog one={one} onClose={() => setDialog(null)} />}
    </div>
  );
}
