import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { request } from '../../api/client';
import { rowsOf } from '../../api/sql';
import { formatCount, formatDuration } from '../../lib/format';
import { useOpenQuery } from '../../lib/openQuery';
import { useNow } from '../../lib/useNow';
import { useSearchState } from '../../lib/useSearchValue';
import { Button } from '../../ui/Button';
import { Empty, Failure } from '../../ui/Empty';
import { Select } from '../../ui/Field';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { Status, type Tone } from '../../ui/Status';
import { Table } from '../../ui/Table';
import { Ago } from '../../ui/Time';
import { toast } from '../../ui/Toast';

type QueryRow = { id: string; sql: string; state: string; started_at: string; elapsed_ms: number | null; n_rows: number | null; error: string | null };

const TONES: Record<string, Tone> = { running: 'info', finished: 'ok', failed: 'crit', cancelled: 'idle' };
const ORDERS = { newest: 'started_at DESC', slowest: 'elapsed_ms DESC' } as const;

/** What is being asked, what was asked, and what took long. */
export function QueriesPart() {
  const [search, setSearch] = useSearchState();
  const order = search.order === 'slowest' ? 'slowest' : 'newest';
  const now = useNow();
  const openQuery = useOpenQuery();
  const queries = useQueryClient();
  const list = useQuery({
    queryKey: ['system', 'queries', order],
    refetchInterval: 2000,
    queryFn: ({ signal }) =>
      // The app's own questions to system tables would otherwise be most of the list.
      rowsOf<QueryRow>(
        `SELECT id, sql, state, started_at, elapsed_ms, n_rows, error FROM system.queries WHERE sql NOT LIKE '%system.%' OR state = 'failed' ORDER BY state = 'running' DESC, ${ORDERS[order]} LIMIT 100`,
        undefined,
        signal,
      ),
  });
  const cancel = useMutation({
    mutationFn: (id: string) => request(`/api/v1/queries/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    onSuccess: () => {
      toast('Cancelled the query');
      void queries.invalidateQueries({ queryKey: ['system', 'queries'] });
    },
    onError: (error) => toast(`Cannot cancel: ${error.message}`, 'crit'),
  });
  return (
    <Panel
      title="Queries"
      note="of the last thousand, without the app’s own"
      actions={
        <Select aria-label="Order" value={order} onChange={(event) => setSearch({ order: event.target.value })}>
          <option value="newest">Newest first</option>
          <option value="slowest">Slowest first</option>
        </Select>
      }
    >
      {list.isPending && <Skeleton label="Loading the queries" />}
      {list.isError && <Failure error={list.error} doing="reading the queries" onRetry={() => void list.refetch()} />}
      {list.data?.length === 0 && <Empty title="No query yet">Statements from anywhere, this page, the command line or a program, are listed here.</Empty>}
      {list.data && list.data.length > 0 && (
        <Table
          label="Queries"
          rows={list.data}
          rowKey={(row) => row.id}
          columns={[
            { id: 'state', header: 'State', cell: (row) => <Status tone={TONES[row.state] ?? 'idle'}>{row.state}</Status> },
            {
              id: 'sql',
              header: 'Statement',
              className: 'w-full max-w-0',
              cell: (row) => (
                <button type="button" onClick={() => openQuery(row.sql)} title={row.error ?? undefined} className="block w-full min-w-32 truncate text-left font-mono text-text hover:text-accent">
                  {row.sql.replace(/\s+/g, ' ')}
                </button>
              ),
            },
            { id: 'took', header: 'Took', align: 'right', cell: (row) => formatDuration(row.state === 'running' ? now - Date.parse(row.started_at) : row.elapsed_ms) },
            { id: 'rows', header: 'Rows', align: 'right', wideOnly: true, cell: (row) => formatCount(row.n_rows) },
            { id: 'at', header: 'Started', wideOnly: true, className: 'whitespace-nowrap', cell: (row) => <Ago at={row.started_at} now={now} /> },
            {
              id: 'cancel',
              header: <span className="sr-only">Actions</span>,
              cell: (row) =>
                row.state === 'running' ? (
                  <Button kind="danger" disabled={cancel.isPending} onClick={() => cancel.mutate(row.id)}>
                    Cancel
                  </Button>
                ) : null,
            },
          ]}
        />
      )}
    </Panel>
  );
}
