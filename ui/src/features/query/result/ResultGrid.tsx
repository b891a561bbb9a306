import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { announce } from '../../../lib/a11y';
import { copyText } from '../../../lib/clipboard';
import { formatExact } from '../../../lib/format';
import type { ResultTable } from '../../../lib/resultTable';
import { toast } from '../../../ui/Toast';
import { cellText, columnLook, COPY_CELLS_MAX, sortedRows, toTsv, type ColumnLook } from './gridCells';
import { FIRST, inside, isIn, moved, nCells, rectangle, type Rectangle, type Selection } from './gridSelection';
import { SumsLine } from './SumsLine';

const CellViewer = lazy(() => import('./CellViewer'));

type Props = {
  table: ResultTable;
  nRows: number;
  nColumns: number;
  /** Whether rows still arrive; sorting waits until they are all here. */
  isGrowing: boolean;
  /** The answer before this one, whose differing cells flash. */
  before: ResultTable | null;
};

type Sort = { column: number; isDescending: boolean };

const GUTTER_PX = 56;

/** Rows and columns of an answer; only what is in sight exists as elements, however large the answer is. */
export function ResultGrid({ table, nRows, nColumns, isGrowing, before }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [selection, setSelection] = useState<Selection>(FIRST);
  const [sort, setSort] = useState<Sort | null>(null);
  const [isOpen, setOpen] = useState(false);
  const rowPx = useRowHeight();
  // Widths are taken from the first rows and stay, so that columns do not jump while rows arrive.
  const hasRows = nRows > 0;
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the table grows in place; these two say when it has changed enough
  const looks = useMemo(() => table.columns.map((_, index) => columnLook(table, index)), [table, nColumns, hasRows]);
  const order = useMemo(() => (sort === null || isGrowing ? null : sortedRows(table, sort.column, sort.isDescending)), [table, sort, isGrowing]);
  const rowAt = (index: number) => order?.[index] ?? index;
  const size = { nRows, nColumns };
  const chosen = rectangle({ anchor: inside(selection.anchor, size), focus: inside(selection.focus, size) });
  const focus = inside(selection.focus, size);

  const rows = useVirtualizer({ count: nRows, getScrollElement: () => scroller.current, estimateSize: () => rowPx, overscan: 6 });
  const columns = useVirtualizer({
    count: nColumns,
    horizontal: true,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => looks[index]?.width ?? 100,
    paddingStart: GUTTER_PX,
    overscan: 3,
  });
  useEffect(() => columns.measure(), [looks, columns]);
  useEffect(() => rows.measure(), [rowPx, rows]);

  const select = (next: Selection) => {
    setSelection(next);
    rows.scrollToIndex(next.focus.row);
    columns.scrollToIndex(next.focus.column);
  };

  const copy = async () => {
    if (nCells(chosen) > COPY_CELLS_MAX) return toast('Too many cells to copy. Use Export.', 'warn');
    const isCopied = await copyText(toTsv(table, chosen, rowAt));
    announce(isCopied ? `Copied ${nCells(chosen)} cells` : 'The browser refused to copy');
  };

  const press = (event: KeyboardEvent) => {
    const mod = event.ctrlKey || event.metaKey;
    if (event.altKey) return;
    if (mod && event.key.toLowerCase() === 'c') {
      event.preventDefault();
      return void copy();
    }
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      return setOpen(nRows > 0);
    }
    if (event.key.toLowerCase() === 's' && !mod && !isGrowing) return setSort(nextSort(sort, focus.column));
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / rowPx) - 2);
    const next = moved(selection, { key: event.key, shift: event.shiftKey, mod }, size, page);
    if (next === null) return;
    event.preventDefault();
    select(next);
  };

  const cellOf = (event: MouseEvent) => {
    const cell = (event.target as Element).closest<HTMLElement>('[data-row]');
    return cell === null ? null : { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  };
  const point = (event: MouseEvent) => {
    const cell = cellOf(event);
    if (cell === null || event.button !== 0) return;
    setSelection({ anchor: event.shiftKey ? selection.anchor : cell, focus: cell });
  };
  const drag = (event: MouseEvent) => {
    const cell = event.buttons === 1 ? cellOf(event) : null;
    if (cell !== null && (cell.row !== selection.focus.row || cell.column !== selection.focus.column)) setSelection({ ...selection, focus: cell });
  };

  const visible = columns.getVirtualItems();
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div
        ref={scroller}
        role="grid"
        aria-label="Query results"
        aria-rowcount={nRows + 1}
        aria-colcount={nColumns}
        aria-multiselectable
        aria-activedescendant={nRows > 0 && nColumns > 0 ? `cell-${focus.row}-${focus.column}` : undefined}
        tabIndex={0}
        onKeyDown={press}
        onMouseDown={point}
        onMouseMove={drag}
        onDoubleClick={(event) => cellOf(event) !== null && setOpen(true)}
        className="min-h-0 flex-1 overflow-auto bg-surface font-mono text-xs -outline-offset-2 select-none"
      >
        <div role="presentation" className="relative" style={{ width: columns.getTotalSize(), minWidth: '100%', height: rows.getTotalSize() + rowPx }}>
          <div role="rowgroup" className="sticky top-0 z-10">
            <div role="row" aria-rowindex={1} className="relative border-b border-line-strong bg-sunken" style={{ height: rowPx }}>
              <div aria-hidden className="sticky left-0 z-[5] inline-block h-full border-r border-line bg-sunken" style={{ width: GUTTER_PX - 4 }} />
              {visible.map((item) => (
                <HeaderCell
                  key={item.index}
                  table={table}
                  index={item.index}
                  look={looks[item.index]}
                  left={item.start}
                  sort={sort?.column === item.index ? sort : null}
                  onSort={() => !isGrowing && setSort(nextSort(sort, item.index))}
                />
              ))}
            </div>
          </div>
          <div role="rowgroup">
            {rows.getVirtualItems().map((row) => (
              <div key={row.index} role="row" aria-rowindex={row.index + 2} className="absolute left-0 w-full border-b border-line hover:bg-sunken" style={{ top: row.start + rowPx, height: row.size }}>
                <div aria-hidden className="num sticky left-0 z-[5] inline-block h-full border-r border-line bg-canvas pr-2 text-right text-2xs text-text-3" style={{ width: GUTTER_PX - 4, lineHeight: `${row.size - 1}px` }}>
                  {formatExact(row.index + 1)}
                </div>
                {visible.map((item) => (
                  <BodyCell
                    key={item.index}
                    table={table}
                    before={before}
                    row={row.index}
                    source={rowAt(row.index)}
                    index={item.index}
                    look={looks[item.index]}
                    left={item.start}
                    height={row.size - 1}
                    chosen={chosen}
                    hasFocus={focus.row === row.index && focus.column === item.index}
                  />
                ))}
              </div>
            ))}
          </div>
        </div>
      </div>
      <SumsLine table={table} chosen={chosen} rowAt={rowAt} nRows={nRows} />
      {isOpen && (
        <Suspense>
          <CellViewer open onClose={() => setOpen(false)} table={table} row={rowAt(focus.row)} column={focus.column} shownRow={focus.row} />
        </Suspense>
      )}
    </div>
  );
}

function nextSort(sort: Sort | null, column: number): Sort | null {
  if (sort?.column !== column) return { column, isDescending: false };
  return sort.isDescending ? null : { column, isDescending: true };
}

function HeaderCell({ table, index, look, left, sort, onSort }: { table: ResultTable; index: number; look: ColumnLook | undefined; left: number; sort: Sort | null; onSort: () => void }) {
  const column = table.columns[index];
  if (column === undefined || look === undefined) return null;
  const Arrow = sort?.isDescending ? ArrowDown : ArrowUp;
  return (
    <div
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={sort === null ? 'none' : sort.isDescending ? 'descending' : 'ascending'}
      className="absolute top-0 h-full border-l border-line"
      style={{ left, width: look.width }}
    >
      <button
        type="button"
        tabIndex={-1}
        onClick={onSort}
        title={`${column.name}: ${column.typeName}. Click to sort, or press S in the column.`}
        className={clsx('flex h-full w-full min-w-0 items-center gap-1.5 px-2', look.isRight && 'justify-end')}
      >
        <span className="isolate-text truncate font-semibold">{column.name === '' ? '(no name)' : column.name}</span>
        <span className="shrink-[3] truncate text-2xs text-text-3">{column.typeName}</span>
        {sort !== null && <Arrow size={11} aria-hidden className="shrink-0" />}
      </button>
    </div>
  );
}

type BodyCellProps = {
  table: ResultTable;
  before: ResultTable | null;
  row: number;
  source: number;
  index: number;
  look: ColumnLook | undefined;
  left: number;
  height: number;
  chosen: Rectangle;
  hasFocus: boolean;
};

function BodyCell({ table, before, row, source, index, look, left, height, chosen, hasFocus }: BodyCellProps) {
  if (look === undefined) return null;
  const text = cellText(table, source, index, look.decimals);
  const isChanged = before !== null && (source >= before.nRows || cellText(before, source, index, look.decimals) !== text);
  const isChosen = isIn(chosen, row, index);
  return (
    <div
      // A new key for a new text starts the flash again.
      key={isChanged ? text : undefined}
      role="gridcell"
      id={`cell-${row}-${index}`}
      aria-colindex={index + 1}
      aria-selected={isChosen}
      data-row={row}
      data-column={index}
      dir="auto"
      className={clsx(
        'num isolate-text absolute top-0 truncate px-2',
        look.isRight ? 'text-right' : 'text-left',
        isChosen && 'bg-accent-tint',
        hasFocus && 'outline-2 -outline-offset-2 outline-accent',
        isChanged && 'flash',
      )}
      style={{ left, width: look.width, height, lineHeight: `${height}px` }}
    >
      {text ?? <i className="text-text-3">null</i>}
    </div>
  );
}

/** The height of a row, which density and fingers change. */
function useRowHeight(): number {
  const [px] = useState(() => Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue('--row'), 10) || 28);
  return px;
}
