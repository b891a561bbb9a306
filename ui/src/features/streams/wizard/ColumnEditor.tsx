import { clsx } from 'clsx';
import { formatShare } from '../../../lib/format';
import { Checkbox, Input, Select } from '../../../ui/Field';
import { Table } from '../../../ui/Table';
import { columnProblem, type DraftColumn } from './draft';
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

type Props = {
  columns: readonly DraftColumn[];
  rejects: readonly Reject[];
  canRename: boolean;
  onChange: (path: string, part: Partial<DraftColumn>) => void;
};

/** Keep or leave out, name, type, and whether it must be there. What is left out is not lost: it goes to the hidden column `_rest`. */
export function ColumnEditor({ columns, rejects, canRename, onChange }: Props) {
  const refused = new Map<string, number>();
  for (const { path } of rejects) if (path !== null) refused.set(path, (refused.get(path) ?? 0) + 1);
  return (
    <div className="rounded-md border border-line bg-surface">
      <Table
        label="Columns"
        rows={columns}
        rowKey={(column) => column.path}
        caption={
          columns.some((column) => column.isKept && column.name !== column.path)
            ? 'Fields without a column are kept as JSON in the hidden column _rest; so is a value that does not fit a renamed column, which is then null.'
            : 'Fields without a column are kept as JSON in the hidden column _rest.'
        }
        columns={[
          {
            id: 'name',
            header: 'Column, and why this type',
            cell: (column) => <NameCell column={column} problem={columnProblem(column, columns)} canRename={canRename} onChange={(part) => onChange(column.path, part)} />,
          },
          {
            id: 'type',
            header: 'Type',
            cell: (column) => (
              <Select aria-label={`Type of ${column.name}`} className="min-w-32 font-mono text-xs" disabled={!column.isKept} value={column.type} onChange={(event) => onChange(column.path, { type: event.target.value, why: 'Your choice.' })}>
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
              <Checkbox aria-label={`${column.name} is required`} label="" disabled={!column.isKept} checked={column.isRequired} onChange={(event) => onChange(column.path, { isRequired: event.target.checked })} />
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
              const n = refused.get(column.name) ?? refused.get(column.path) ?? 0;
              return n === 0 ? <span className="text-text-3">0</span> : <span className="font-semibold text-crit">{n}</span>;
            },
          },
          {
            id: 'examples',
            header: 'Examples',
            wideOnly: true,
            cell: (column) => <span className="isolate-text line-clamp-1 w-32 font-mono text-text-2 [overflow-wrap:anywhere]">{column.examples.slice(0, 3).join(', ')}</span>,
          },
        ]}
      />
    </div>
  );
}

type NameProps = { column: DraftColumn; problem: string | null; canRename: boolean; onChange: (part: Partial<DraftColumn>) => void };

function NameCell({ column, problem, canRename, onChange }: NameProps) {
  const { path, name, isKept, why } = column;
  const isRenamed = isKept && name !== path;
  return (
    <div className="w-44 max-md:w-40">
      <div className="flex items-center gap-2">
        <Checkbox checked={isKept} aria-label={`Keep ${path}`} onChange={(event) => onChange({ isKept: event.target.checked })} label="" />
        {isKept && canRename ? (
          <Input
            aria-label={`Name of ${path}`}
            aria-invalid={problem === null ? undefined : true}
            className="isolate-text min-w-0 font-mono text-xs"
            value={name}
            onChange={(event) => onChange({ name: event.target.value })}
          />
        ) : (
          <span className={clsx('isolate-text font-mono text-xs break-words', !isKept && 'text-text-3 line-through')}>{name}</span>
        )}
      </div>
      {problem !== null && <p className="text-2xs text-crit">{problem}</p>}
      <p className="mt-0.5 text-2xs text-text-3">
        {isRenamed && (
          <>
            from <span className="isolate-text font-mono">{path}</span>.{' '}
          </>
        )}
        {why}
      </p>
    </div>
  );
}
