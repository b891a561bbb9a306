import { clsx } from 'clsx';
import type { ReactNode } from 'react';

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
  return (
    <div className="relative min-w-0 overflow-x-auto" role="region" aria-label={label} tabIndex={0}>
      <table className={clsx('w-full border-collapse text-xs', mono && 'font-mono')}>
        {caption && <caption className="px-3 py-1.5 text-left text-xs text-text-3">{caption}</caption>}
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
}
