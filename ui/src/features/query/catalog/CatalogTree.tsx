import { clsx } from 'clsx';
import { ChevronRight, Play } from 'lucide-react';
import { useMemo, useState, type MouseEvent } from 'react';
import type { CatalogColumn, CatalogTable } from '../../../api/types';
import { fullName } from '../../../lib/completions';
import { formatCount } from '../../../lib/format';
import { quoteName } from '../../../lib/sqlText';
import { Empty, Failure } from '../../../ui/Empty';
import { Input } from '../../../ui/Field';
import { Skeleton } from '../../../ui/Skeleton';
import { useCatalog } from './useCatalog';

type Props = {
  /** Writes a name where the cursor is. */
  onInsert: (text: string) => void;
  /** Opens a statement that shows a table's newest rows. */
  onShow: (table: CatalogTable) => void;
};

/** Streams and system tables with their columns. A double click writes a name; the arrow shows rows. */
export function CatalogTree({ onInsert, onShow }: Props) {
  const catalog = useCatalog();
  const [words, setWords] = useState('');
  const [open, setOpen] = useState<ReadonlySet<string> | null>(null);
  const tables = useMemo(() => matching(catalog.data?.tables ?? [], words), [catalog.data, words]);
  if (catalog.isError && catalog.data === undefined) return <Failure error={catalog.error} doing="reading the catalogue" onRetry={() => void catalog.refetch()} />;
  if (catalog.data === undefined) return <Skeleton label="Reading the catalogue" rows={8} />;
  // Until somebody opens or closes one, the first stream shows its columns.
  const first = catalog.data.tables.find((table) => table.kind === 'stream');
  const isOpen = (name: string) => words !== '' || (open === null ? first !== undefined && fullName(first) === name : open.has(name));
  const toggle = (name: string) => {
    const next = new Set(open ?? (first === undefined ? [] : [fullName(first)]));
    if (!next.delete(name)) next.add(name);
    setOpen(next);
  };
  const groups = [
    ['Streams', tables.filter((table) => table.kind === 'stream')],
    ['System tables', tables.filter((table) => table.kind !== 'stream')],
  ] as const;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="p-2">
        <Input type="search" aria-label="Filter tables and columns" placeholder="Filter" value={words} onChange={(event) => setWords(event.target.value)} />
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-2 pb-3">
        {tables.length === 0 && words !== '' && <p className="px-1 py-2 text-xs text-text-3">No table or column has “{words}” in its name.</p>}
        {catalog.data.tables.every((table) => table.kind !== 'stream') && words === '' && <Empty title="No streams yet">Connect one on the Streams page; its table appears here.</Empty>}
        {groups.map(
          ([title, members]) =>
            members.length > 0 && (
              <section key={title} aria-label={title}>
                <h2 className="px-1 pt-1 pb-0.5 text-xs font-semibold text-text-3">{title}</h2>
                <ul>
                  {members.map((table) => (
                    <TableNode key={fullName(table)} table={table} isOpen={isOpen(fullName(table))} onToggle={() => toggle(fullName(table))} onInsert={onInsert} onShow={onShow} />
                  ))}
                </ul>
              </section>
            ),
        )}
      </div>
    </div>
  );
}

type NodeProps = Props & { table: CatalogTable; isOpen: boolean; onToggle: () => void };

function TableNode({ table, isOpen, onToggle, onInsert, onShow }: NodeProps) {
  const name = fullName(table);
  const press = (event: MouseEvent) => (event.altKey ? onShow(table) : onToggle());
  return (
    <li>
      <div className="group flex items-center rounded-md hover:bg-sunken">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={press}
          onDoubleClick={() => onInsert(writtenName(table))}
          title={`${name}. Double click writes the name; Alt and click shows rows.`}
          className="flex h-7 min-w-0 flex-1 items-center gap-1 px-1 text-left font-mono text-xs pointer-coarse:h-11"
        >
          <ChevronRight size={12} aria-hidden className={clsx('shrink-0 text-text-3', isOpen && 'rotate-90')} />
          <span className="truncate">{name}</span>
          {table.n_rows !== null && <span className="num ml-auto shrink-0 pl-2 text-2xs text-text-3">{formatCount(table.n_rows)}</span>}
        </button>
        <button
          type="button"
          aria-label={`Show rows of ${name}`}
          title="Show rows"
          onClick={() => onShow(table)}
          className="grid size-7 shrink-0 place-items-center rounded-md text-text-3 hover:text-accent pointer-coarse:size-11"
        >
          <Play size={12} aria-hidden />
        </button>
      </div>
      {isOpen && (
        <ul aria-label={`Columns of ${name}`} className="mb-1 ml-[9px] border-l border-line pl-1.5">
          {table.columns.map((column) => (
            <ColumnNode key={column.name} column={column} onInsert={onInsert} />
          ))}
        </ul>
      )}
    </li>
  );
}

function ColumnNode({ column, onInsert }: { column: CatalogColumn; onInsert: (text: string) => void }) {
  return (
    <li>
      <button
        type="button"
        onClick={() => onInsert(quoteName(column.name))}
        title={`${column.name}: ${column.type}. Click writes the name.`}
        className="flex min-h-6 w-full items-baseline justify-between gap-3 rounded-md px-1 text-left font-mono text-xs hover:bg-sunken pointer-coarse:min-h-11 pointer-coarse:items-center"
      >
        <span className={clsx('isolate-text truncate', column.hidden && 'text-text-3 italic')}>{column.name}</span>
        <span className="max-w-[45%] shrink-0 truncate text-2xs text-text-3">{column.type.toLowerCase()}</span>
      </button>
    </li>
  );
}

/** The table's name as SQL reads it. */
export function writtenName(table: CatalogTable): string {
  return table.schema === '' ? quoteName(table.name) : `${quoteName(table.schema)}.${quoteName(table.name)}`;
}

/** Tables whose name, or one of whose columns, has the words in it; columns are narrowed to those that do. */
function matching(tables: readonly CatalogTable[], words: string): CatalogTable[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === '') return [...tables];
  return tables.flatMap((table) => {
    if (fullName(table).toLowerCase().includes(wanted)) return [table];
    const columns = table.columns.filter((column) => column.name.toLowerCase().includes(wanted));
    return columns.length > 0 ? [{ ...table, columns }] : [];
  });
}
