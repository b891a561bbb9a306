import { clsx } from 'clsx';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { cellKind, cellText, decimals, type CellKind } from '../lib/cells';
import type { Zone } from '../lib/format';
import { formatCount } from '../lib/format';
import { usePreferences } from '../lib/preferences';
import type { TailRow, TailView } from '../lib/tail';

export type LiveColumn = { name: string; type: string };

type Shown = LiveColumn & { kind: CellKind; width: number; decimals: number };

/** One character of the grid's font, and the space around a cell. */
const CHAR_PX = 7.25;
const PADDING_PX = 25;
const CHARS_MAX: Record<CellKind, number> = { time: 30, number: 48, text: 28 };
const OVERSCAN = 6;

/**
 * A table of rows that keep arriving. It draws only the rows in sight, and asks to be held still while somebody scrolls,
 * points at it, selects in it or has the focus in it.
 */
export function LiveTable({
  label,
  columns,
  view,
  onReading,
  onOpen,
  opened,
  height,
  jumps = 0,
  className,
}: {
  label: string;
  columns: readonly LiveColumn[];
  view: TailView;
  /** Told when reading begins and ends. */
  onReading: (reading: boolean) => void;
  onOpen?: (row: TailRow) => void;
  opened?: TailRow | null;
  height?: number;
  /** Each change takes the table back to its top. */
  jumps?: number;
  className?: string;
}) {
  const scroll = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [size, setSize] = useState({ height: height ?? 400, row: 28 });
  const [active, setActive] = useState<number | null>(null);
  const { zone } = usePreferences();
  const shown = useShownColumns(columns, view.rows);
  const reading = useReading(scroll, onReading);

  useLayoutEffect(() => {
    const element = scroll.current;
    if (!element) return;
    const measure = () => setSize({ height: element.clientHeight, row: Number.parseInt(getComputedStyle(element).getPropertyValue('--row'), 10) || 28 });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (scroll.current) scroll.current.scrollTop = 0;
  }, [jumps]);

  const first = Math.max(0, Math.floor(top / size.row) - OVERSCAN);
  const last = Math.min(view.rows.length, Math.ceil((top + size.height) / size.row) + OVERSCAN);
  const template = shown.map((column) => `minmax(${column.width}px, ${column.kind === 'text' ? '1.4fr' : '1fr'})`).join(' ');
  const minWidth = shown.reduce((sum, column) => sum + column.width, 0);
  const activeIndex = active === null ? -1 : view.rows.findIndex((row) => row.id === active);

  const press = (event: KeyboardEvent) => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const row = view.rows[activeIndex];
    if (event.key === 'Enter' && row && onOpen) {
      event.preventDefault();
      onOpen(row);
    }
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const index = Math.min(view.rows.length - 1, Math.max(0, activeIndex + step));
    setActive(view.rows[index]?.id ?? null);
    const element = scroll.current;
    if (!element) return;
    const y = index * size.row;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + 2 * size.row > element.scrollTop + element.clientHeight) element.scrollTop = y + 2 * size.row - element.clientHeight;
  };

  return (
    <div
      ref={scroll}
      role="grid"
      aria-label={label}
      aria-rowcount={view.rows.length + 1}
      aria-colcount={shown.length}
      aria-activedescendant={activeIndex >= first && activeIndex < last ? `live-${active}` : undefined}
      tabIndex={0}
      onScroll={(event) => {
        setTop(event.currentTarget.scrollTop);
        reading.scrolled(event.currentTarget.scrollTop > 0);
      }}
      onKeyDown={press}
      {...reading.handlers}
      className={clsx('min-h-0 overflow-auto font-mono text-xs -outline-offset-2', className)}
      style={{ height }}
    >
      <div style={{ minWidth }}>
        <div role="row" aria-rowindex={1} className="sticky top-0 z-10 grid bg-sunken text-text-2" style={{ gridTemplateColumns: template }}>
          {shown.map((column) => (
            <div
              key={column.name}
              role="columnheader"
              title={`${column.name} ${column.type}`}
              className={clsx('isolate-text truncate border-b border-line px-3 leading-7 font-semibold', column.kind === 'number' && 'text-right')}
            >
              {column.name}
            </div>
          ))}
        </div>
        <div role="rowgroup" className="relative" style={{ height: view.rows.length * size.row }}>
          {view.rows.slice(first, last).map((row, index) => (
            <LiveRow
              // Rows in sight keep their elements and get new text, which is much cheaper than new elements.
              key={index}
              row={row}
              index={first + index}
              height={size.row}
              columns={shown}
              template={template}
              zone={zone}
              marked={row.id === active || row.id === opened?.id}
              onOpen={onOpen}
              onMark={setActive}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

const LiveRow = memo(function LiveRow({
  row,
  index,
  height,
  columns,
  template,
  zone,
  marked,
  onOpen,
  onMark,
}: {
  row: TailRow;
  index: number;
  height: number;
  columns: readonly Shown[];
  template: string;
  zone: Zone;
  marked: boolean;
  onOpen?: (row: TailRow) => void;
  onMark: (id: number) => void;
}) {
  return (
    <div
      role="row"
      id={`live-${row.id}`}
      aria-rowindex={index + 2}
      aria-selected={marked}
      onClick={() => {
        onMark(row.id);
        if (!getSelection()?.toString()) onOpen?.(row);
      }}
      className={clsx('absolute inset-x-0 grid items-center border-b border-line [contain:strict]', marked ? 'bg-accent-tint' : 'hover:bg-sunken', onOpen && 'cursor-pointer')}
      style={{ gridTemplateColumns: template, height, transform: `translateY(${index * height}px)` }}
    >
      {columns.map((column) => {
        const value = row.values[column.name];
        const text = typeof value === 'number' && column.decimals > 0 ? value.toFixed(column.decimals) : cellText(value, column.kind, zone);
        return (
          <div role="gridcell" key={column.name} dir="auto" className={clsx('truncate px-3', column.kind === 'number' && 'num text-right', column.kind === 'text' && 'text-left')}>
            {text === null ? <i className="text-text-3">null</i> : text}
          </div>
        );
      })}
    </div>
  );
});

/** Columns as wide, and with as many decimals, as any value has needed so far: they only grow, so nothing jumps. */
function useShownColumns(columns: readonly LiveColumn[], rows: readonly TailRow[]): Shown[] {
  const needed = useRef(new Map<string, { decimals: number; chars: number }>());
  const newest = rows[0];
  return useMemo(() => {
    return columns.map((column) => {
      const kind = cellKind(column.type);
      const need = needed.current.get(column.name) ?? { decimals: 0, chars: column.name.length };
      for (const row of rows.slice(0, 40)) {
        const value = row.values[column.name];
        need.decimals = Math.max(need.decimals, decimals(value));
        need.chars = Math.max(need.chars, cellText(value, kind)?.length ?? 4);
      }
      needed.current.set(column.name, need);
      return { ...column, kind, width: Math.min(need.chars, CHARS_MAX[kind]) * CHAR_PX + PADDING_PX, decimals: need.decimals };
    });
    // `newest` stands for `rows`: a new row is the only thing that can need more decimals.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [columns, newest]);
}

/** Knows whether somebody reads: scrolled away, pointing, focused, or with a selection. */
function useReading(scroll: React.RefObject<HTMLDivElement | null>, onReading: (reading: boolean) => void) {
  const signs = useRef({ scrolled: false, pointed: false, focused: false, selected: false });
  const newest = useRef(onReading);
  useEffect(() => {
    newest.current = onReading;
  });
  const change = (sign: keyof typeof signs.current, is: boolean) => {
    if (signs.current[sign] === is) return;
    signs.current[sign] = is;
    newest.current(Object.values(signs.current).some(Boolean));
  };
  useEffect(() => {
    const selected = () => {
      const selection = document.getSelection();
      const inside = Boolean(selection && !selection.isCollapsed && scroll.current?.contains(selection.anchorNode));
      change('selected', inside);
    };
    document.addEventListener('selectionchange', selected);
    return () => document.removeEventListener('selectionchange', selected);
  });
  return {
    scrolled: (is: boolean) => change('scrolled', is),
    handlers: {
      onPointerEnter: () => change('pointed', true),
      onPointerLeave: () => change('pointed', false),
      onFocus: () => change('focused', true),
      onBlur: () => change('focused', false),
    },
  };
}

/** How many rows wait, and the way back to the newest. */
export function WaitingPill({ view, onLatest }: { view: TailView; onLatest: () => void }) {
  if (!view.held || view.waiting === 0) return null;
  return (
    <button
      type="button"
      onClick={onLatest}
      className="num absolute top-9 left-1/2 z-20 min-h-6 -translate-x-1/2 rounded-md bg-accent px-3 text-xs font-medium text-on-accent shadow-pop"
    >
      {formatCount(view.waiting)} new · jump to latest (.)
    </button>
  );
}
