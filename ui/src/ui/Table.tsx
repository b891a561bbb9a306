import { clsx } from 'clsx';
import { useId, type ReactNode } from 'react';

export type Column<R> = {
  id: string;
  header: ReactNode;
  cell: (row: R) => ReactNode;
  align?: 'right';
  /** Left out where the screen is narrow; the row's own page has it. */
  wideOnly?: boolean;
  /** For cells that hold a control, which has its own space around it. */
  tight?: boolean;
  className?: string;
};

/** A plain table; long ones belong in a grid that draws only what is in sight. */
export function Table<R>({
  label,
  columns,
  rows,
  rowKey,
  mono = false,
  caption,
}: {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R, index: number) => string;
  mono?: boolean;
  caption?: ReactNode;
}) {
  const id = useId();
  const table = (
    <div className="relative min-w-0 overflow-x-auto" role="region" aria-label={label} aria-describedby={caption ? id : undefined} tabIndex={0}>
      <table className={clsx('w-full border-collapse text-xs', mono && 'font-mono')}>
        <thead>
          <tr className="bg-sunken text-left text-text-2">
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                className={clsx('h-7 px-3 font-semibold whitespace-nowrap', column.align === 'right' && 'text-right', column.wideOnly && 'max-md:hidden')}
              >
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={rowKey(row, index)} className="border-t border-line hover:bg-sunken">
              {columns.map((column) => (
                <td
                  key={column.id}
                  className={clsx(
                    'h-[var(--row)]',
                    column.tight ? 'px-1 py-0' : 'px-3 py-1',
                    column.align === 'right' && 'num text-right',
                    column.wideOnly && 'max-md:hidden',
                    column.className,
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
  if (!caption) return table;
  // Beside the table and not in it: a table may be wider than its place, and words must not be.
  return (
    <div className="min-w-0">
      <p id={id} className="border-b border-line px-3 py-1.5 text-xs text-text-3">
        {caption}
      </p>
      {table}
    </div>
  );
}
