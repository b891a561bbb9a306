import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { rowsOf } from '../../../api/sql';
import type { StreamDetail } from '../../../api/types';
import { useHasSystemTable } from '../../../api/useSystemTable';
import { formatShare } from '../../../lib/format';
import { Empty, Failure } from '../../../ui/Empty';
import { Panel } from '../../../ui/Panel';
import { Table } from '../../../ui/Table';
import { Timestamp } from '../../../ui/Time';
import { AlterBox } from './AlterBox';
import { ColumnTable } from './ColumnTable';

/** The columns, what is in them, how they came to be, and how to change them. */
export function SchemaTab({ stream }: { stream: StreamDetail }) {
  const [statement, setStatement] = useState('');
  return (
    <>
      <ColumnTable stream={stream} onAlter={setStatement} />
      <AlterBox key={statement} stream={stream} proposed={statement} />
      <SchemaHistory stream={stream} />
    </>
  );
}

type SchemaEvent = { time: string; kind: string; path: string | null; type: string | null; share: number | null };

function SchemaHistory({ stream }: { stream: StreamDetail }) {
  const has = useHasSystemTable('schema_events');
  const events = useQuery({
    queryKey: ['schema-events', stream.name],
    enabled: has,
    queryFn: ({ signal }) => rowsOf<SchemaEvent>('SELECT time, kind, path, type, share FROM system.schema_events WHERE stream = $1 ORDER BY time DESC LIMIT 200', [stream.name], signal),
  });
  if (!has) return null;
  return (
    <Panel title="History">
      {events.isError && <Failure error={events.error} doing="reading the history of the schema" onRetry={() => void events.refetch()} />}
      {events.data?.length === 0 && <Empty title="No change yet">New fields, changed types and fields that stopped coming are noted here.</Empty>}
      {events.data && events.data.length > 0 && (
        <Table
          label="History of the schema"
          rows={events.data}
          rowKey={(event, index) => `${event.time} ${index}`}
          columns={[
            { id: 'time', header: 'When', cell: (event) => <Timestamp at={event.time} /> },
            { id: 'kind', header: 'What', cell: (event) => event.kind.replaceAll('_', ' ') },
            { id: 'path', header: 'Field', className: 'isolate-text font-mono', cell: (event) => event.path ?? '' },
            { id: 'type', header: 'Type', wideOnly: true, className: 'font-mono', cell: (event) => event.type ?? '' },
            { id: 'share', header: 'Share of records', align: 'right', wideOnly: true, cell: (event) => formatShare(event.share) },
          ]}
        />
      )}
    </Panel>
  );
}
