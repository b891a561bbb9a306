import { useMutation, useQueryClient } from '@tanstack/react-query';
import { runSql } from '../../api/sql';
import { formatCount, formatDuration } from '../../lib/format';
import { quoteName } from '../../lib/sqlText';
import { useNow } from '../../lib/useNow';
import { Button } from '../../ui/Button';
import { Status } from '../../ui/Status';
import { Table } from '../../ui/Table';
import { Ago } from '../../ui/Time';
import { toast } from '../../ui/Toast';
import { SINK_TONES, type SinkRow } from './sinks';
import { Troubles } from './Troubles';

/** Sinks: where they deliver, how far they are, and what keeps them. */
export function SinkTable({ sinks, withStream }: { sinks: SinkRow[]; withStream: boolean }) {
  const now = useNow();
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (sql: string) => runSql(sql),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['system', 'sinks'] }),
    onError: (error) => toast(`Cannot change the sink: ${error.message}`, 'crit'),
  });
  const idle = (row: SinkRow) => row.state === 'paused' || row.state === 'parked';
  const troubles = sinks.flatMap((row) => (row.message ? [{ name: row.name, text: [row.message, row.hint].filter(Boolean).join('. ') }] : []));
  return (
    <>
      <Table
        label="Sinks"
        rows={sinks}
        rowKey={(row) => row.name}
        columns={[
          { id: 'state', header: 'State', cell: (row) => <Status tone={SINK_TONES[row.state] ?? 'idle'}>{row.state.replace('_', ' ')}</Status> },
          ...(withStream ? [{ id: 'stream', header: 'Stream', wideOnly: true, cell: (row: SinkRow) => <span className="isolate-text">{row.stream}</span> }] : []),
          {
            id: 'table',
            header: 'Remote table',
            cell: (row) => (
              <span className="font-mono [overflow-wrap:anywhere]">
                {row.cluster}.{row.table.split(/(?<=\.)/).map((part) => [<wbr key={part} />, part])}
              </span>
            ),
          },
          { id: 'lag', header: 'Lag', align: 'right', cell: (row) => (row.delivered === row.newest ? 'none' : formatDuration((row.lag_s ?? 0) * 1000)) },
          { id: 'rows', header: 'Rows delivered', align: 'right', wideOnly: true, cell: (row) => formatCount(row.n_rows) },
          { id: 'at', header: 'Last delivery', wideOnly: true, cell: (row) => (row.last_delivery_at ? <Ago at={row.last_delivery_at} now={now} /> : '–') },
          {
            id: 'message',
            header: 'Last error',
            className: 'w-full',
            wideOnly: true,
            cell: (row) => (row.message ? <span className="text-crit">{[row.message, row.hint].filter(Boolean).join('. ')}</span> : row.stored ? 'The stream is read from here.' : '–'),
          },
          {
            id: 'actions',
            header: <span className="sr-only">Actions</span>,
            className: 'text-right',
            cell: (row) => (
              <Button kind="outline" disabled={change.isPending} onClick={() => change.mutate(`${idle(row) ? 'RESUME' : 'PAUSE'} SINK ${quoteName(row.name)}`)}>
                {idle(row) ? 'Resume' : 'Pause'}
              </Button>
            ),
          },
        ]}
      />
      <Troubles troubles={troubles} />
    </>
  );
}
