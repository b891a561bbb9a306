import { clsx } from 'clsx';
import { SquareTerminal, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { StreamColumn } from '../../../api/types';
import { drawnText } from '../../../lib/drawnText';
import { parseExact } from '../../../lib/json';
import { useOpenQuery } from '../../../lib/openQuery';
import { quoteName, quoteText } from '../../../lib/sqlText';
import type { TailRow } from '../../../lib/tail';
import { Button, IconButton } from '../../../ui/Button';
import { Code, CopyButton } from '../../../ui/Code';
import { TabPanel, Tabs } from '../../../ui/Tabs';
import { recordOf, storedAs } from './storedAs';

/** A value larger than this is shown when it is asked for: drawing a megabyte would freeze the page. */
const VALUE_CHARS_MAX = 4096;

type Part = 'parsed' | 'raw' | 'headers' | 'stored';

/** One row, whole: its columns, its record, where that came from, and what became of each field. */
export function EventPanel({ stream, row, columns, onClose }: { stream: string; row: TailRow; columns: readonly StreamColumn[]; onClose: () => void }) {
  const [part, setPart] = useState<Part>('parsed');
  const close = useRef<HTMLButtonElement>(null);
  const openQuery = useOpenQuery();
  const types = new Map(columns.map((column) => [column.name, column.type]));
  useEffect(() => close.current?.focus(), []);
  const own = Object.entries(row.values).filter(([name]) => !name.startsWith('_'));
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
              { value: 'parsed', label: 'Parsed' },
              { value: 'raw', label: 'Raw' },
              { value: 'headers', label: 'Headers' },
              { value: 'stored', label: 'As stored' },
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
        {part === 'parsed' && <Values values={own} types={types} />}
        {part === 'raw' && <Raw values={row.values} />}
        {part === 'headers' && <Headers values={row.values} />}
        {part === 'stored' && <AsStored values={row.values} columns={columns} />}
      </TabPanel>
    </aside>
  );
}

/** Drawing more than this would hold the page up. */
const RAW_CHARS_MAX = 65_536;

function Raw({ values }: { values: Readonly<Record<string, unknown>> }) {
  const text = JSON.stringify(recordOf(values), null, 2);
  const isCut = text.length > RAW_CHARS_MAX;
  return (
    <div className="flex flex-col gap-2 p-2">
      <Code label="Record as JSON" text={isCut ? `${text.slice(0, RAW_CHARS_MAX)}…` : text} />
      {isCut && (
        <p className="flex items-center gap-2 text-xs text-text-2">
          {`The first ${RAW_CHARS_MAX.toLocaleString('en-US')} of ${text.length.toLocaleString('en-US')} characters.`}
          <CopyButton text={text} label="Copy all of it" />
        </p>
      )}
      <p className="text-xs text-text-3">Put together from the row: columns under their names, and the fields that have none. The bytes themselves stay at the source.</p>
    </div>
  );
}

/** The record's key and headers, and its place at the source. */
function Headers({ values }: { values: Readonly<Record<string, unknown>> }) {
  const headers = headersOf(values._headers);
  const place = ['_time', '_partition', '_offset', '_key'].map((name) => [name, values[name]] as const);
  return (
    <>
      <Values values={place} types={PLACE_WORDS} />
      {headers.length > 0 ? (
        <Values values={headers} types={new Map(headers.map(([name]) => [name, 'header']))} />
      ) : (
        <p className="px-3 py-2 text-xs text-text-3">The record has no headers.</p>
      )}
    </>
  );
}

const PLACE_WORDS: ReadonlyMap<string, string> = new Map([
  ['_time', 'when it arrived at the source'],
  ['_partition', 'partition of the source'],
  ['_offset', 'position in it'],
  ['_key', 'key of the record'],
]);

function headersOf(text: unknown): (readonly [string, unknown])[] {
  if (typeof text !== 'string') return [];
  try {
    return Object.entries(parseExact(text) as Record<string, unknown>);
  } catch {
    return [['_headers', text]];
  }
}

/** What became of each field: a column, nothing, or `_rest`. */
function AsStored({ values, columns }: { values: Readonly<Record<string, unknown>>; columns: readonly StreamColumn[] }) {
  const hidden = ['_commit', '_late', '_tags'].flatMap((name) => (values[name] === null || values[name] === undefined ? [] : [[name, values[name]] as const]));
  return (
    <>
      <ul>
        {storedAs(values, columns).map(({ name, type, value, fate }) => (
          <li key={`${fate} ${name}`} className={clsx('border-b border-line px-3 py-1.5', fate === 'rest' && 'bg-warn-tint')}>
            <p className="flex items-baseline gap-2 text-xs">
              <span className="isolate-text font-mono font-semibold break-all">{name}</span>
              <span aria-hidden className="text-text-3">
                →
              </span>
              <span className={clsx('min-w-0 flex-1 text-2xs', fate === 'rest' ? 'font-semibold text-warn' : 'text-text-3')}>{fate === 'rest' ? 'no column, kept in _rest' : fate === 'absent' ? `${type}, not in the record` : type}</span>
            </p>
            {fate !== 'absent' && (
              <p dir="auto" className="mt-0.5 font-mono text-xs [overflow-wrap:anywhere]">
                <Value value={value} />
              </p>
            )}
          </li>
        ))}
      </ul>
      <Values values={hidden} types={HIDDEN_WORDS} />
    </>
  );
}

const HIDDEN_WORDS: ReadonlyMap<string, string> = new Map([
  ['_commit', 'the commit that made it visible'],
  ['_late', 'behind the watermark'],
  ['_tags', 'rules it breaks'],
]);

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
