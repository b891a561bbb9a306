import { clsx } from 'clsx';
import { formatShare } from '../../../lib/format';
import { Checkbox, Select } from '../../../ui/Field';
import { Table } from '../../../ui/Table';
import type { DraftColumn } from './draft';
import type { Reject } from './wizardApi';

const TYPES = [
  'BOOLEAN',
  'INT',
  'BIGINT',
  'BIGINT UNSIGNED',
  'REAL',
  'DOUBLE',
  'DECIMAL(18, 2)',
  'TEXT',
  'TIMESTAMP',
  'TIMESTAMP FORMAT EPOCH_S',
  'TIMESTAMP FORMAT EPOCH_MS',
  'TIMESTAMP FORMAT EPOCH_US',
  'TIMESTAMP FORMAT EPOCH_NS',
  'DATE',
  'JSON',
];

type Props = { columns: readonly DraftColumn[]; rejects: readonly Reject[]; onChange: (name: string, part: Partial<DraftColumn>) => void };

/** Keep or leave out, type, and whether it must be there. What is left out is not lost: it goes to the hidden column `_rest`. */
export function ColumnEditor({ columns, rejects, onChange }: Props) {
  const refused = new Map<string, number>();
  for (const { path } of rejects) if (path !== null) refused.set(path, (refused.get(path) ?? 0) + 1);
  return (
    <div className="rounded-md border border-line bg-surface">
      <Table
        label="Columns"
        rows={columns}
        rowKey={(column) => column.name}
        caption="Fields without a column are kept as JSON in the hidden column _rest."
        columns={[
          {
            id: 'name',
            header: 'Column, and why this type',
            cell: (column) => (
              <div className="max-w-52 min-w-28">
                <Checkbox
                  checked={column.isKept}
                  aria-label={`Keep ${column.name}`}
                  onChange={(event) => onChange(column.name, { isKept: event.target.checked })}
                  label={<span className={clsx('isolate-text font-mono text-xs break-words', !column.isKept && 'text-text-3 line-through')}>{column.name}</span>}
                />
                <p className="text-2xs text-text-3">{column.why}</p>
              </div>
            ),
          },
          {
            id: 'type',
            header: 'Type',
            cell: (column) => (
              <Select aria-label={`Type of ${column.name}`} className="min-w-36 font-mono text-xs" disabled={!column.isKept} value={column.type} onChange={(event) => onChange(column.name, { type: event.target.value, why: 'Your choice.' })}>
                {[...new Set([column.type, ...TYPES])].map((type) => (
                  <option key={type}>{type}</option>
                ))}
              </Select>
            ),
          },
          {
            id: 'required',
            header: 'Required',
            cell: (column) => (
              <Checkbox aria-label={`${column.name} is required`} label="" disabled={!column.isKept} checked={column.isRequired} onChange={(event) => onChange(column.name, { isRequired: event.target.checked })} />
            ),
          },
          {
            id: 'seen',
            header: 'Seen in',
            align: 'right',
            cell: (column) => <span className={clsx(column.seen !== null && column.seen < 1 && column.isRequired && 'font-semibold text-warn')}>{formatShare(column.seen)}</span>,
          },
          {
            id: 'fits',
            header: 'Would not fit',
            align: 'right',
            cell: (column) => {
              const n = refused.get(column.name) ?? 0;
              return n === 0 ? <span className="text-text-3">0</span> : <span className="font-semibold text-crit">{n}</span>;
            },
          },
          {
            id: 'examples',
            header: 'Examples',
            wideOnly: true,
            cell: (column) => <span className="isolate-text line-clamp-1 max-w-56 font-mono text-text-2 [overflow-wrap:anywhere]">{column.examples.slice(0, 3).join(', ')}</span>,
          },
        ]}
      />
    </div>
  );
}
