import { Columns3, Eraser, Pause, Play, SquareTerminal } from 'lucide-react';
import { useEffect, useMemo, useState, type FormEvent } from 'react';
import type { StreamDetail } from '../../../api/types';
import { useTail, type Tail } from '../../../api/useTail';
import { announce } from '../../../lib/a11y';
import { formatCount, plural } from '../../../lib/format';
import { useShortcuts } from '../../../lib/keys';
import { useOpenQuery } from '../../../lib/openQuery';
import { quoteName } from '../../../lib/sqlText';
import { TAIL_ROWS_MAX, type TailRow } from '../../../lib/tail';
import { useSearchState } from '../../../lib/useSearchValue';
import { Button } from '../../../ui/Button';
import { Code } from '../../../ui/Code';
import { Empty } from '../../../ui/Empty';
import { Input } from '../../../ui/Field';
import { LiveTable, WaitingPill, type LiveColumn } from '../../../ui/LiveTable';
import { Skeleton } from '../../../ui/Skeleton';
import { Status } from '../../../ui/Status';
import { ColumnChooser } from './ColumnChooser';
import { EventPanel } from './EventPanel';
import { pushCommand } from './pushCommand';
import { PAGE_ROWS, readSeek, seekWords, useSeek, writeSeek, type Seek, type Sought } from './seek';
import { SeekBar } from './SeekBar';

/** What every row has beside its own columns; shown when chosen. */
export const HIDDEN_COLUMNS: readonly LiveColumn[] = [
  { name: '_time', type: 'TIMESTAMP' },
  { name: '_partition', type: 'TEXT' },
  { name: '_offset', type: 'BIGINT' },
  { name: '_key', type: 'TEXT' },
  { name: '_headers', type: 'TEXT' },
  { name: '_rest', type: 'TEXT' },
  { name: '_commit', type: 'BIGINT' },
];
/** A stream may have thousands of columns; the rest can be chosen. */
const SHOWN_AT_FIRST = 24;
const SUMMARY_MS = 10_000;

/** The newest rows as they arrive. */
export function TailTab({ stream }: { stream: StreamDetail }) {
  const [search, setSearch] = useSearchState();
  const where = search.where ?? '';
  const [typed, setTyped] = useState(where);
  const [opened, setOpened] = useState<TailRow | null>(null);
  const seek = useMemo(() => readSeek(search.seek), [search.seek]);
  // While somebody reads the past, nothing is followed.
  const tail = useTail(seek === null ? stream.name : null, where);
  const sought = useSeek(stream.name, seek, where);
  const openQuery = useOpenQuery();
  const [shown, setShown, all] = useColumns(stream);
  const view = seek === null ? tail.view : sought.view;
  const error = seek === null ? tail.error : sought.error;

  useShortcuts(
    useMemo(
      () => [
        { keys: 'p', does: 'Pause and go on', run: () => tail.setPaused(!tail.paused) },
        { keys: '.', does: 'Jump to the latest row', run: tail.latest },
        { keys: 'escape', does: 'Close the row', run: () => setOpened(null) },
      ],
      // eslint-disable-next-line react-hooks/exhaustive-deps
      [tail.paused, tail.latest],
    ),
  );
  useSummary(stream.name, tail.view.received);

  const apply = (event: FormEvent) => {
    event.preventDefault();
    setSearch({ where: typed.trim() });
  };
  const columns = useMemo(() => all.filter((column) => shown.has(column.name)), [all, shown]);

  return (
    <section aria-label="Tail" className="flex min-w-0 flex-col overflow-clip rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-2 border-b border-line p-2">
        <SeekBar
          key={search.seek ?? ''}
          stream={stream}
          seek={seek}
          onSeek={(next) => {
            setOpened(null);
            setSearch({ seek: writeSeek(next) }, { push: true });
          }}
        />
        <form onSubmit={apply} className="flex min-w-56 flex-1 items-center gap-2 max-md:basis-full">
          <label htmlFor="tail-where" className="font-mono text-xs text-text-2">
            WHERE
          </label>
          <Input
            id="tail-where"
            className="font-mono text-xs"
            placeholder={placeholder(stream)}
            value={typed}
            aria-invalid={error ? true : undefined}
            aria-describedby={error ? 'tail-error' : undefined}
            onChange={(event) => setTyped(event.target.value)}
          />
          <Button type="submit" kind="outline" disabled={typed.trim() === where}>
            Filter
          </Button>
        </form>
        <span className="flex flex-wrap items-center gap-1">
          <ColumnChooser columns={all} shown={shown} onChange={setShown}>
            <Columns3 size={14} aria-hidden />
            Columns
          </ColumnChooser>
          <Button onClick={() => openQuery(`SELECT * FROM ${quoteName(stream.name)}${where ? `\nWHERE ${where}` : ''}\nORDER BY _time DESC\nLIMIT 100;`)}>
            <SquareTerminal size={14} aria-hidden />
            Query these
          </Button>
          {seek === null && (
            <>
              <Button onClick={tail.clear} className="max-md:hidden">
                <Eraser size={14} aria-hidden />
                Clear
              </Button>
              <Button kind={tail.paused ? 'primary' : 'outline'} aria-pressed={tail.paused} onClick={() => tail.setPaused(!tail.paused)}>
                {tail.paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
                {tail.paused ? 'Go on' : 'Pause'}
              </Button>
            </>
          )}
        </span>
      </div>
      {error && (
        <p id="tail-error" role="alert" className="border-b border-line bg-crit-tint px-3 py-1.5">
          <Status tone="crit">{error.message}</Status> {'hint' in error && typeof error.hint === 'string' && <span className="text-xs text-text-2">{error.hint}</span>}
        </p>
      )}
      {seek === null ? <TailLine tail={tail} /> : <SeekLine seek={seek} sought={sought} onLive={() => setSearch({ seek: undefined }, { push: true })} />}
      <div className="relative flex h-[max(320px,calc(100dvh-276px))] min-h-0 max-md:h-[max(320px,calc(100dvh-420px))]">
        <WaitingPill view={view} onLatest={tail.latest} />
        {view.rows.length === 0 && seek !== null ? (
          <NothingThere sought={sought} where={where} />
        ) : view.rows.length === 0 || columns.length === 0 ? (
          <Waiting stream={stream} where={where} tail={tail} />
        ) : (
          <LiveTable
            label={seek === null ? `Newest rows of ${stream.name}` : `Rows of ${stream.name}, oldest first`}
            columns={columns}
            view={view}
            onReading={tail.setReading}
            onOpen={setOpened}
            opened={opened}
            jumps={tail.jumps}
            className="min-w-0 flex-1"
          />
        )}
        {opened && <EventPanel stream={stream.name} row={opened} columns={stream.columns ?? []} onClose={() => setOpened(null)} />}
      </div>
    </section>
  );
}

/** Where the rows begin, how many are shown, and the way on. */
function SeekLine({ seek, sought, onLive }: { seek: Seek; sought: Sought; onLive: () => void }) {
  const n = sought.view.rows.length;
  return (
    <div className="num flex min-h-8 flex-wrap items-center gap-x-3 border-b border-line px-3 text-xs text-text-3">
      <span role="status">
        {seekWords(seek)}, oldest first: {sought.isLoading && n === 0 ? 'reading…' : plural(n, 'row')}
        {sought.more === null && n >= TAIL_ROWS_MAX && '. A query has the others.'}
      </span>
      {sought.more && (
        <Button disabled={sought.isLoading} onClick={sought.more}>
          {sought.isLoading ? 'Reading…' : `Show ${PAGE_ROWS} more`}
        </Button>
      )}
      <Button onClick={onLive} className="ml-auto">
        Follow the newest
      </Button>
    </div>
  );
}

function NothingThere({ sought, where }: { sought: Sought; where: string }) {
  if (sought.isLoading) return <Skeleton label="Reading rows" rows={6} />;
  if (sought.error) return <Empty title="Nothing was read">{where ? 'Change the filter, or begin somewhere else.' : 'Begin somewhere else.'}</Empty>;
  return <Empty title="No row from there on">{where ? 'Nothing behind it fits the filter.' : 'The stream holds only older rows, or none.'}</Empty>;
}

/** What the tail is doing, in words: moving, held, and what it left out. */
function TailLine({ tail }: { tail: Tail }) {
  const { view } = tail;
  return (
    <p className="num flex min-h-7 flex-wrap items-center gap-x-3 border-b border-line px-3 text-xs text-text-3">
      {tail.ended ? (
        <Status tone="idle">Ended: {tail.ended}</Status>
      ) : tail.error ? (
        <Status tone="idle">Not following</Status>
      ) : tail.paused ? (
        <Status tone="idle">Paused, {plural(view.waiting, 'row')} waiting</Status>
      ) : view.held ? (
        <Status tone="idle">Held while you read, {plural(view.waiting, 'row')} waiting</Status>
      ) : (
        <span className="inline-flex items-center gap-2 font-medium text-accent">
          <span className="live-dot" aria-hidden />
          Live
        </span>
      )}
      <span>{plural(view.received, 'row')} received</span>
      {view.skipped > 0 && <span className="text-warn">{formatCount(view.skipped)} not shown: they came faster than a page can draw. A query has them all.</span>}
    </p>
  );
}

function Waiting({ stream, where, tail }: { stream: StreamDetail; where: string; tail: Tail }) {
  if (tail.ended) return <Empty title="The tail is over">{tail.ended}</Empty>;
  if (tail.error) return <Empty title="Nothing is followed">{where ? 'Change the filter to go on.' : 'It is tried again when the connection is new.'}</Empty>;
  if (stream.state === 'paused') return <Empty title="This stream is paused">Nothing is read from its source. Resume it to see new rows.</Empty>;
  return (
    <div className="min-w-0">
      <Empty title={where ? 'Waiting for a row that fits the filter' : 'Waiting for the next row'}>
        {stream.last_commit_at ? 'Rows appear here as they are committed.' : 'No record has arrived yet.'}
      </Empty>
      {stream.source.toLowerCase() === 'http' && !where && (
        <div className="max-w-3xl px-4 pb-4">
          <Code label="Push one" text={pushCommand(stream)} />
        </div>
      )}
    </div>
  );
}

/** An example condition made of the stream's own columns. */
function placeholder(stream: StreamDetail): string {
  const number = stream.columns?.find((column) => /INT|DOUBLE|REAL|DECIMAL/i.test(column.type));
  return number ? `${quoteName(number.name)} > 10` : '_time > now() - INTERVAL \'1 minute\'';
}

function useColumns(stream: StreamDetail): [ReadonlySet<string>, (shown: ReadonlySet<string>) => void, readonly LiveColumn[]] {
  const names = (stream.columns ?? []).map((column) => `${column.name}\u0000${column.type}`).join('\u0001');
  const all = useMemo<LiveColumn[]>(() => {
    const own = names === '' ? [] : names.split('\u0001').map((pair) => pair.split('\u0000') as [string, string]);
    return [HIDDEN_COLUMNS[0]!, ...own.map(([name, type]) => ({ name, type })), ...HIDDEN_COLUMNS.slice(1)];
  }, [names]);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const hasTime = all.some((column) => column.type.startsWith('TIMESTAMP') && !column.name.startsWith('_'));
  const first = useMemo(() => new Set(all.filter((column) => (column.name === '_time' && !hasTime) || !column.name.startsWith('_')).slice(0, SHOWN_AT_FIRST).map((column) => column.name)), [all, hasTime]);
  return [chosen ?? first, setChosen, all];
}

/** Tells screen readers how many rows came, at most every ten seconds, instead of reading each. */
function useSummary(name: string, received: number): void {
  const [last, setLast] = useState({ at: 0, received: 0 });
  useEffect(() => {
    if (received === last.received || Date.now() - last.at < SUMMARY_MS) return;
    announce(`${name}: ${plural(received - last.received, 'new row')}`);
    setLast({ at: Date.now(), received });
  }, [name, received, last]);
}
