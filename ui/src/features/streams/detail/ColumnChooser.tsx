import { useId, useRef, useState, type ReactNode } from 'react';
import { buttonLook } from '../../../ui/Button';
import { Checkbox, Input } from '../../../ui/Field';
import type { LiveColumn } from '../../../ui/LiveTable';

const LISTED_MAX = 200;

/** Which columns a table shows. */
export function ColumnChooser({
  columns,
  shown,
  onChange,
  children,
}: {
  columns: readonly LiveColumn[];
  shown: ReadonlySet<string>;
  onChange: (shown: ReadonlySet<string>) => void;
  children: ReactNode;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState('');
  const place = () => {
    const at = button.current?.getBoundingClientRect();
    if (!at || !panel.current) return;
    panel.current.style.left = `${Math.max(8, Math.min(at.left, innerWidth - panel.current.offsetWidth - 8))}px`;
    panel.current.style.top = `${at.bottom + 4}px`;
  };
  const toggle = (name: string) => {
    const next = new Set(shown);
    if (!next.delete(name)) next.add(name);
    // A table without columns could not be repaired by looking at it.
    if (next.size > 0) onChange(next);
  };
  const found = columns.filter((column) => column.name.toLowerCase().includes(filter.toLowerCase()));
  return (
    <>
      <button ref={button} type="button" popoverTarget={id} aria-haspopup="dialog" className={buttonLook('quiet')}>
        {children}
      </button>
      <div
        ref={panel}
        id={id}
        role="dialog"
        aria-label="Columns"
        popover="auto"
        onToggle={place}
        className="fixed inset-auto m-0 max-h-80 w-72 overflow-auto rounded-lg border border-line bg-raised p-2 text-text shadow-pop"
      >
        <Input aria-label="Find a column" placeholder="Find a column" value={filter} onChange={(event) => setFilter(event.target.value)} />
        <ul className="mt-2">
          {found.slice(0, LISTED_MAX).map((column) => (
            <li key={column.name} className="flex items-center justify-between gap-2">
              <Checkbox label={<span className="isolate-text font-mono text-xs break-all">{column.name}</span>} checked={shown.has(column.name)} onChange={() => toggle(column.name)} />
              <span className="max-w-28 truncate font-mono text-2xs text-text-3">{column.type}</span>
            </li>
          ))}
        </ul>
        {found.length > LISTED_MAX && <p className="text-xs text-text-3">{found.length - LISTED_MAX} more; type to find them.</p>}
      </div>
    </>
  );
}
