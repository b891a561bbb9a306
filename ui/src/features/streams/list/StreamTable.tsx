import { Link, useNavigate } from '@tanstack/react-router';
import { EllipsisVertical, Pause, Play, ScrollText, SquareTerminal, Trash2, Wrench } from 'lucide-react';
import { usePulse } from '../../../api/metrics';
import { freshnessOf, lagOf, type StreamSummary } from '../../../api/types';
import { formatCount, formatDuration, UNKNOWN } from '../../../lib/format';
import { useOpenQuery } from '../../../lib/openQuery';
import { quoteName } from '../../../lib/sqlText';
import { useNow } from '../../../lib/useNow';
import { Menu } from '../../../ui/Menu';
import { Spark } from '../../../ui/Spark';
import { StreamStatus } from '../../../ui/Status';
import { Table } from '../../../ui/Table';

export function StreamTable({
  streams,
  chosen,
  onChoose,
  onDrop,
  onPause,
}: {
  streams: readonly StreamSummary[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
  onDrop: (stream: StreamSummary) => void;
  onPause: (name: string, pause: boolean) => void;
}) {
  const { rates } = usePulse();
  const now = useNow();
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    onChoose(next);
  };
  const allChosen = streams.every((stream) => chosen.has(stream.name));
  return (
    <Table
      label="Streams"
      rows={streams}
      rowKey={(stream) => stream.name}
      columns={[
        {
          id: 'choose',
          wideOnly: true,
          className: 'w-6',
          header: (
            <input
              type="checkbox"
              aria-label="Choose all streams"
              checked={allChosen}
              onChange={() => onChoose(allChosen ? new Set() : new Set(streams.map((stream) => stream.name)))}
              className="size-4 align-middle accent-[var(--accent)]"
            />
          ),
          cell: (stream) => (
            <input
              type="checkbox"
              aria-label={`Choose ${stream.name}`}
              checked={chosen.has(stream.name)}
              onChange={() => toggle(stream.name)}
              className="size-4 align-middle accent-[var(--accent)]"
            />
          ),
        },
        {
          id: 'name',
          header: 'Name',
          className: 'max-w-56 max-md:max-w-36',
          cell: (stream) => (
            <Link to="/streams/$name" params={{ name: stream.name }} className="isolate-text block truncate text-sm font-medium text-accent hover:underline">
              {stream.name}
            </Link>
          ),
        },
        { id: 'source', header: 'Source', wideOnly: true, cell: (stream) => sourceWord(stream.source) },
        {
          id: 'state',
          header: 'State',
          cell: (stream) => (
            <div className="flex flex-col">
              <StreamStatus state={stream.state} />
              <span className="text-2xs text-text-3 max-md:hidden">
                {stream.cause ? `${stream.cause.replaceAll('_', ' ')}, ` : ''}
                for {formatDuration(now - Date.parse(stream.since))}
              </span>
            </div>
          ),
        },
        {
          id: 'rate',
          header: 'Events/s',
          align: 'right',
          cell: (stream) => (
            <span className="inline-flex items-center gap-2">
              <span className="max-lg:hidden">
                <Spark values={rates.get(stream.name) ?? []} />
              </span>
              {rounded(stream.events_per_s)}
            </span>
          ),
        },
        { id: 'lag', header: 'Lag', align: 'right', wideOnly: true, cell: (stream) => formatCount(lagOf(stream)) },
        { id: 'fresh', header: 'Freshness', align: 'right', wideOnly: true, cell: (stream) => formatDuration(freshnessOf(stream.freshness_ms)) },
        { id: 'rows', header: 'Rows', align: 'right', wideOnly: true, cell: (stream) => formatCount(stream.n_rows) },
        {
          id: 'quarantine',
          header: 'Quarantine',
          align: 'right',
          wideOnly: true,
          cell: (stream) =>
            stream.n_quarantined ? (
              <Link to="/quarantine" search={{ stream: stream.name } as never} className="text-warn underline">
                {formatCount(stream.n_quarantined)}
              </Link>
            ) : (
              formatCount(stream.n_quarantined)
            ),
        },
        { id: 'retain', header: 'Kept', wideOnly: true, cell: (stream) => stream.retain || 'for ever' },
        { id: 'menu', header: <span className="sr-only">Actions</span>, tight: true, className: 'w-8 text-right', cell: (stream) => <RowMenu stream={stream} onDrop={onDrop} onPause={onPause} /> },
      ]}
    />
  );
}

function RowMenu({ stream, onDrop, onPause }: { stream: StreamSummary; onDrop: (stream: StreamSummary) => void; onPause: (name: string, pause: boolean) => void }) {
  const navigate = useNavigate();
  const openQuery = useOpenQuery();
  const open = (tab: string) => void navigate({ to: '/streams/$name', params: { name: stream.name }, search: { tab } as never });
  const paused = stream.state === 'paused';
  return (
    <Menu
      label={`Actions on ${stream.name}`}
      shape="icon"
      items={[
        { label: 'Tail', icon: <ScrollText size={14} aria-hidden />, onSelect: () => open('tail') },
        { label: 'Query', icon: <SquareTerminal size={14} aria-hidden />, onSelect: () => openQuery(`SELECT * FROM ${quoteName(stream.name)} LIMIT 100;`) },
        paused
          ? { label: 'Resume', icon: <Play size={14} aria-hidden />, onSelect: () => onPause(stream.name, false) }
          : { label: 'Pause', icon: <Pause size={14} aria-hidden />, onSelect: () => onPause(stream.name, true) },
        { label: 'Settings', icon: <Wrench size={14} aria-hidden />, onSelect: () => open('settings') },
        { label: 'Drop', icon: <Trash2 size={14} aria-hidden />, danger: true, onSelect: () => onDrop(stream) },
      ]}
    >
      <EllipsisVertical size={15} aria-hidden />
    </Menu>
  );
}

const SOURCES: Record<string, string> = { kafka: 'Kafka', http: 'HTTP', demo: 'Demo', kinesis: 'Kinesis', file: 'File' };
const sourceWord = (source: string) => SOURCES[source.toLowerCase()] ?? source;
const rounded = (rate: number | null | undefined) => (rate === null || rate === undefined ? UNKNOWN : formatCount(rate >= 10 ? Math.round(rate) : rate));
