import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { formatDuration, plural } from '../../lib/format';
import { useNow } from '../../lib/useNow';
import { Empty, Failure } from '../../ui/Empty';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { Status } from '../../ui/Status';
import { Ago } from '../../ui/Time';
import { useOpenQuery } from '../../lib/openQuery';
import { recentQueries } from './recent';

/** What was asked last on this server's Query page. */
export function RecentQueries() {
  const now = useNow(5000);
  const openQuery = useOpenQuery();
  const history = useQuery(recentQueries);
  const entries = history.data ?? [];
  return (
    <Panel title="Recent queries" actions={<Link to="/query" className="px-1 text-xs font-medium text-accent underline">Query</Link>}>
      {history.isPending && <Skeleton label="Loading recent queries" rows={2} />}
      {history.isError && <Failure error={history.error} doing="reading the history" onRetry={() => void history.refetch()} />}
      {history.isSuccess && entries.length === 0 && <Empty title="No query yet">Statements that are run on the Query page are kept here for 90 days.</Empty>}
      <ul>
        {entries.map((entry) => (
          <li key={entry.id} className="border-b border-line last:border-b-0">
            <button type="button" onClick={() => openQuery(entry.sql)} className="flex w-full flex-col gap-0.5 px-3 py-1.5 text-left -outline-offset-2 hover:bg-sunken">
              <span className="w-full truncate font-mono text-xs">{entry.sql.replace(/^\s*--.*$/gm, '').replace(/\s+/g, ' ').trim()}</span>
              <span className="flex flex-wrap items-center gap-x-2 text-xs text-text-3">
                {entry.state === 'failed' ? <Status tone="crit">Failed</Status> : entry.state === 'cancelled' ? <Status tone="idle">Cancelled</Status> : <span>{plural(entry.n_rows ?? 0, 'row')}</span>}
                <span>{formatDuration(entry.elapsed_ms)}</span>
                <Ago at={entry.started_at} now={now} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
