import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { usePulse } from '../../../api/metrics';
import { streamsQuery } from '../../../api/streams';
import type { StreamState, StreamSummary } from '../../../api/types';
import { useTitle } from '../../../lib/a11y';
import { plural } from '../../../lib/format';
import { useShortcuts } from '../../../lib/keys';
import { useSearchState } from '../../../lib/useSearchValue';
import { Button, ButtonLink } from '../../../ui/Button';
import { Empty, Failure } from '../../../ui/Empty';
import { Input, Select } from '../../../ui/Field';
import { Page } from '../../../ui/Panel';
import { Skeleton } from '../../../ui/Skeleton';
import { stateWord } from '../../../ui/Status';
import { DropStream } from '../DropStream';
import { usePauseResume } from '../usePauseResume';
import { StreamTable } from './StreamTable';

const STATES: readonly StreamState[] = ['running', 'catching_up', 'paused', 'degraded', 'failed'];

/** What the list knows from asking once, laid under what the metrics say every second. */
function merged(listed: readonly StreamSummary[], live: readonly StreamSummary[] | undefined): StreamSummary[] {
  if (!live) return [...listed];
  const known = new Map(listed.map((stream) => [stream.name, stream]));
  return live.map((stream) => ({ ...known.get(stream.name), ...stream }));
}

/** Every stream and how it is doing. */
export default function StreamsPage() {
  useTitle('Streams');
  const { now } = usePulse();
  const listed = useQuery(streamsQuery);
  const [search, setSearch] = useSearchState();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [dropping, setDropping] = useState<StreamSummary | null>(null);
  const filter = useRef<HTMLInputElement>(null);
  const pauseResume = usePauseResume();
  useShortcuts(useMemo(() => [{ keys: '/', does: 'Filter', run: () => filter.current?.focus() }], []));

  const all = useMemo(() => merged(listed.data ?? [], now?.streams), [listed.data, now]);
  const wanted = (search.q ?? '').toLowerCase();
  const shown = all.filter((stream) => stream.name.toLowerCase().includes(wanted) && (!search.status || stream.state === search.status));
  const names = shown.map((stream) => stream.name).filter((name) => chosen.has(name));
  const change = (pause: boolean) => {
    pauseResume.mutate({ names, pause });
    setChosen(new Set());
  };

  return (
    <Page
      title="Streams"
      json="/api/v1/streams"
      lead={all.length > 0 ? plural(all.length, 'stream') : undefined}
      actions={
        <ButtonLink kind="primary" to="/streams/new">
          <Plus size={14} aria-hidden />
          Connect a stream
        </ButtonLink>
      }
    >
      <div className="overflow-clip rounded-lg border border-line bg-surface">
        <div className="flex flex-wrap items-center gap-2 border-b border-line p-2">
          <Input
            ref={filter}
            type="search"
            aria-label="Filter by name"
            placeholder="Filter by name"
            className="max-w-64 flex-1"
            value={search.q ?? ''}
            onChange={(event) => setSearch({ q: event.target.value })}
          />
          <Select aria-label="State" className="max-w-40" value={search.status ?? ''} onChange={(event) => setSearch({ status: event.target.value })}>
            <option value="">Every state</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {stateWord(state)}
              </option>
            ))}
          </Select>
          {names.length > 0 && (
            <span className="ml-auto flex items-center gap-1">
              <span className="num px-1 text-xs text-text-2">{names.length} chosen</span>
              <Button kind="outline" onClick={() => change(true)}>
                Pause
              </Button>
              <Button kind="outline" onClick={() => change(false)}>
                Resume
              </Button>
            </span>
          )}
        </div>
        {listed.isPending && !now && <Skeleton label="Loading the streams" />}
        {listed.isError && !now && <Failure error={listed.error} doing="listing the streams" onRetry={() => void listed.refetch()} />}
        {(listed.isSuccess || now) && all.length === 0 && (
          <Empty title="No stream yet" actions={<ButtonLink kind="primary" to="/streams/new">Connect a stream</ButtonLink>}>
            A stream reads one source, for example a Kafka topic, and fills one table of the same name.
          </Empty>
        )}
        {all.length > 0 && shown.length === 0 && (
          <Empty title="No stream fits the filter" actions={<Button kind="outline" onClick={() => setSearch({ q: undefined, status: undefined })}>Clear the filter</Button>} />
        )}
        {shown.length > 0 && <StreamTable streams={shown} chosen={chosen} onChoose={setChosen} onDrop={setDropping} onPause={(name, pause) => pauseResume.mutate({ names: [name], pause })} />}
      </div>
      {dropping && <DropStream stream={dropping} open onClose={() => setDropping(null)} />}
    </Page>
  );
}
