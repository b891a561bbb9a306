import { useQuery } from '@tanstack/react-query';
import { Columns3 } from 'lucide-react';
import { rowsOf } from '../../../api/sql';
import type { StreamDetail } from '../../../api/types';
import { useHasSystemTable } from '../../../api/useSystemTable';
import { sqlPath } from '../../../lib/fixes';
import { formatShare } from '../../../lib/format';
import { quoteName } from '../../../lib/sqlText';
import { Button } from '../../../ui/Button';
import { Empty, Failure } from '../../../ui/Empty';
import { Panel } from '../../../ui/Panel';
import { Table } from '../../../ui/Table';
import { Timestamp } from '../../../ui/Time';

type SchemaEvent = { time: string; kind: string; path: string | null; type: string | null; share: number | null };

/** What happened to the columns, and which fields arrive that have none. */
export function SchemaHistory({ stream, onAlter }: { stream: StreamDetail; onAlter: (statement: string) => void }) {
  const has = useHasSystemTable('schema_events');
  const events = useQuery({
    queryKey: ['schema-events', stream.name],
    enabled: has,
    refetchInterval: 10_000,
    queryFn: ({ signal }) => rowsOf<SchemaEvent>('SELECT time, kind, path, type, share FROM system.schema_events WHERE stream = $1 ORDER BY time DESC LIMIT 200', [stream.name], signal),
  });
  if (!has) return null;
  return (
    <Panel title="History" note="a new field is kept in _rest until it becomes a column, with all its values">
      {events.isError && <Failure error={events.error} doing="reading the history of the schema" onRetry={() => void events.refetch()} />}
      {events.data?.length === 0 && <Empty title="No change yet">New fields, changed types and changes of the columns are noted here.</Empty>}
      {events.data && events.data.length > 0 && (
        <Table
          label="History of the schema"
          rows={events.data}
          rowKey={(event) => `${event.time} ${event.kind} ${event.path}`}
          columns={[
            { id: 'time', header: 'When', wideOnly: true, cell: (event) => <Timestamp at={event.time} /> },
            { id: 'kind', header: 'What', className: 'whitespace-nowrap', cell: (event) => event.kind.replaceAll('_', ' ') },
            { id: 'path', header: 'Field', className: 'isolate-text font-mono [overflow-wrap:anywhere]', cell: (event) => event.path ?? '' },
            { id: 'type', header: 'Type', wideOnly: true, className: 'font-mono', cell: (event) => event.type ?? '' },
            { id: 'share', header: 'In rows', align: 'right', wideOnly: true, cell: (event) => (event.share === null ? '' : formatShare(event.share)) },
            {
              id: 'promote',
              header: <span className="sr-only">Actions</span>,
              tight: true,
              className: 'text-right',
              cell: (event) =>
                event.kind === 'new_field' && event.path ? (
                  <Button onClick={() => onAlter(`ALTER STREAM ${quoteName(stream.name)} PROMOTE ${sqlPath(event.path ?? '')}`)}>
                    <Columns3 size={14} aria-hidden />
                    Make it a column
                  </Button>
                ) : null,
            },
          ]}
        />
      )}
    </Panel>
  );
}
