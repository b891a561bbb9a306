import { SquareTerminal, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { StreamColumn } from '../../../api/types';
import { drawnText } from '../../../lib/drawnText';
import { useOpenQuery } from '../../../lib/openQuery';
import { quoteName, quoteText } from '../../../lib/sqlText';
import type { TailRow } from '../../../lib/tail';
import { Button, IconButton } from '../../../ui/Button';
import { Code, CopyButton } from '../../../ui/Code';
import { TabPanel, Tabs } from '../../../ui/Tabs';

/** A value larger than this is shown when it is asked for: drawing a megabyte would freeze the page. */
const VALUE_CHARS_MAX = 4096;

type Part = 'columns' | 'json' | 'record';

/** One row, whole: its columns, its JSON, and where it came from. */
export function EventPanel({ stream, row, columns, onClose }: { stream: string; row: TailRow; columns: readonly StreamColumn[]; onClose: () => void }) {
  const [part, setPart] = useState<Part>('columns');
  const close = useRef<HTMLButtonElement>(null);
  const openQuery = useOpenQuery();
  useEffect(() => close.current?.focus(), []);
  const own = Object.entries(row.values).filter(([name]) => !name.startsWith('_'));
  const record = Object.entries(row.values).filter(([name]) => name.startsWith('_'));
  const query = () => {
    const { _partition: partition, _offset: offset } = row.values;
    const position = `_partition = ${quoteText(String(partition))} AND _offset = ${String(offset)}`;
    openQuery(`SELECT *, _time, _partition, _offset, _commit\nFROM ${quoteName(stream)}\nWHERE ${position};`);
  };
  return (
    <aside
      aria-label="One row"
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
      className="flex w-96 shrink-0 flex-col border-l border-line bg-surface max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:z-30 max-md:h-[70dvh] max-md:w-full max-md:border-t max-md:border-l-0 max-md:shadow-pop"
    >
      <header className="flex items-center gap-1 border-b border-line pr-1">
        <div className="min-w-0 flex-1 [&>[role=tablist]]:border-b-0">
          <Tabs
            label="Parts of the row"
            idPrefix="event"
            value={part}
            onChange={setPart}
            tabs={[
              { value: 'columns', label: 'Columns' },
              { value: 'json', label: 'JSON' },
              { value: 'record', label: 'Record' },
            ]}
          />
        </div>
        <Button onClick={query}>
          <SquareTerminal size={14} aria-hidden />
          Query
        </Button>
        <IconButton ref={close} label="Close the row" onClick={onClose}>
          <X size={14} aria-hidden />
        </IconButton>
      </header>
      <TabPanel idPrefix="event" value={part} scrolls className="min-h-0 flex-1 overflow-auto">
        {part === 'columns' && <Values values={own} types={new Map(columns.map((column) => [column.name, column.type]))} />}
        {part === 'record' && <Values values={record} types={new Map()} />}
        {part === 'json' && (
          <div className="p-2">
            <Code label="Row as JSON" text={JSON.stringify(Object.fromEntries(own), null, 2)} />
          </div>
        )}
      </TabPanel>
    </aside>
  );
}

function Values({ values, types }: { values: readonly (readonly [string, unknown])[]; types: ReadonlyMap<string, string> }) {
  return (
    <dl>
      {values.map(([name, value]) => (
        <div key={name} className="border-b border-line px-3 py-1.5">
          <dt className="flex items-baseline gap-2 text-xs">
            <span className="isolate-text font-mono font-semibold break-all">{name}</span>
            <span className="min-w-0 flex-1 truncate text-2xs text-text-3">{types.get(name)}</span>
          </dt>
          <dd dir="auto" className="mt-0.5 font-mono text-xs [overflow-wrap:anywhere]">
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ value }: { value: unknown }) {
  const [whole, setWhole] = useState(false);
  if (value === null || value === undefined) return <i className="text-text-3">null</i>;
  const text = typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value);
  if (text.length <= VALUE_CHARS_MAX || whole) return <span className="whitespace-pre-wrap">{visible(text)}</span>;
  return (
    <>
      <span className="whitespace-pre-wrap">{visible(text.slice(0, VALUE_CHARS_MAX))}…</span>
      <span className="flex gap-1">
        <Button onClick={() => setWhole(true)}>Show all {text.length.toLocaleString('en-US')} characters</Button>
        <CopyButton text={text} />
      </span>
    </>
  );
}

/** Control characters become visible, line breaks stay. */
const visible = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line.length <= 300 ? drawnText(line) : line))
    .join('\n');
