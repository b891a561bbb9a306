import { clsx } from 'clsx';
import { Star } from 'lucide-react';
import { useState } from 'react';
import { formatAgo, formatDuration, formatTimestamp, plural } from '../../../lib/format';
import { usePreferences } from '../../../lib/preferences';
import { useNow } from '../../../lib/useNow';
import { Button } from '../../../ui/Button';
import { Empty, Failure } from '../../../ui/Empty';
import { Input } from '../../../ui/Field';
import { Skeleton } from '../../../ui/Skeleton';
import { useRested } from '../editor/useCheck';
import { useHistory, useStar, type HistoryEntry } from './saved';

/** What was run before, from any browser; kept by the server. */
export default function HistoryPanel({ onOpen }: { onOpen: (sql: string) => void }) {
  const [words, setWords] = useState('');
  const rested = useRested(words, 250);
  const history = useHistory(rested);
  const now = useNow(10_000);
  const entries = history.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="p-2">
        <Input type="search" aria-label="Search the history" placeholder="Search" value={words} onChange={(event) => setWords(event.target.value)} />
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-2 pb-3">
        {history.isError && <Failure error={history.error} doing="reading the history" onRetry={() => void history.refetch()} />}
        {history.isPending && <Skeleton label="Reading the history" rows={6} />}
        {history.isSuccess && entries.length === 0 && (
          <Empty title={rested === '' ? 'No history yet' : 'Nothing found'}>
            {rested === '' ? 'Statements you run here are kept for 90 days; starred ones for ever.' : `No statement you ran has “${rested}” in it.`}
          </Empty>
        )}
        <ul>
          {entries.map((entry) => (
            <Line key={entry.id} entry={entry} now={now} onOpen={() => onOpen(entry.sql)} />
          ))}
        </ul>
        {history.hasNextPage && (
          <Button className="w-full" disabled={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
            Show older ones
          </Button>
        )}
      </div>
    </div>
  );
}

function Line({ entry, now, onOpen }: { entry: HistoryEntry; now: number; onOpen: () => void }) {
  const star = useStar();
  const { zone } = usePreferences();
  const outcome = entry.error?.message ?? [entry.n_rows === null ? null : plural(entry.n_rows, 'row'), formatDuration(entry.elapsed_ms)].filter((part) => part !== null).join(' · ');
  const state = entry.state === 'cancelled' ? 'cancelled' : outcome;
  return (
    <li className="flex items-start rounded-md hover:bg-sunken">
      <button type="button" onClick={onOpen} title={entry.sql} className="min-w-0 flex-1 px-1 py-1 text-left">
        <code className="line-clamp-2 font-mono text-xs [overflow-wrap:anywhere]">{entry.sql.replace(/\s+/g, ' ')}</code>
        <span className={clsx('num block truncate text-2xs', entry.state === 'failed' ? 'text-crit' : 'text-text-3')} title={formatTimestamp(entry.started_at, zone)}>
          {formatAgo(entry.started_at, now)} · {state}
        </span>
      </button>
      <button
        type="button"
        aria-label="Keep for ever"
        aria-pressed={entry.starred}
        onClick={() => star.mutate({ id: entry.id, starred: !entry.starred })}
        className={clsx('grid size-7 shrink-0 place-items-center rounded-md hover:text-accent pointer-coarse:size-11', entry.starred ? 'text-accent' : 'text-text-3')}
      >
        <Star size={12} aria-hidden fill={entry.starred ? 'currentColor' : 'none'} />
      </button>
    </li>
  );
}
