import { useQuery } from '@tanstack/react-query';
import { EllipsisVertical, Pencil, Trash2 } from 'lucide-react';
import { rowsOf } from '../../../api/sql';
import type { StreamColumn, StreamDetail } from '../../../api/types';
import { drawnText } from '../../../lib/drawnText';
import { formatCount, formatShare, plural } from '../../../lib/format';
import { quoteName } from '../../../lib/sqlText';
import { Button } from '../../../ui/Button';
import { Empty } from '../../../ui/Empty';
import { Menu } from '../../../ui/Menu';
import { Panel } from '../../../ui/Panel';
import { Status } from '../../../ui/Status';
import { Table } from '../../../ui/Table';
import { PROFILED_MAX, profileSql, readProfile, topSql, type Profile } from './profile';

/** Every column with its type, and on demand what a sample of rows has in it. */
export function ColumnTable({ stream, onAlter }: { stream: StreamDetail; onAlter: (statement: string) => void }) {
  const columns = stream.columns ?? [];
  const profile = useQuery({
    queryKey: ['profile', stream.name, columns.length],
    enabled: false,
    queryFn: async ({ signal }) => {
      const common = topSql(stream.name, columns);
      const [row, tops] = await Promise.all([rowsOf(profileSql(stream.name, columns), undefined, signal), common === null ? [] : rowsOf(common, undefined, signal)]);
      return readProfile(row[0] ?? {}, tops, columns);
    },
  });
  const sampled = profile.data?.values().next().value?.n ?? 0;
  const of = (column: StreamColumn) => profile.data?.get(column.name);
  return (
    <Panel
      title="Columns"
      note={profile.data ? `from the newest ${plural(sampled, 'row')}` : plural(columns.length, 'column')}
      actions={
        <Button disabled={profile.isFetching || columns.length === 0} onClick={() => void profile.refetch()}>
          {profile.isFetching ? 'Looking…' : profile.data ? 'Look again' : 'What is in them?'}
        </Button>
      }
    >
      {profile.isError && (
        <p role="alert" className="px-3 py-2">
          <Status tone="crit">{profile.error.message}</Status>
        </p>
      )}
      {columns.length === 0 ? (
        <Empty title="No column yet">The first records say what the columns are.</Empty>
      ) : (
        <Table
          label="Columns"
          rows={columns}
          rowKey={(column) => column.name}
          caption={profile.data && columns.length > PROFILED_MAX ? `Only the first ${PROFILED_MAX} columns were looked at.` : undefined}
          columns={[
            { id: 'name', header: 'Name', className: 'isolate-text max-w-64 truncate font-mono font-semibold max-md:max-w-36', cell: (column) => column.name },
            { id: 'type', header: 'Type', className: 'max-w-64 truncate font-mono max-md:max-w-28', cell: (column) => <span title={column.type}>{column.type}</span> },
            { id: 'required', header: 'Required', wideOnly: true, cell: (column) => (column.required ? 'NOT NULL' : '') },
            ...(profile.data
              ? [
                  {
                    id: 'null',
                    header: 'Null',
                    align: 'right' as const,
                    cell: (column: StreamColumn) => {
                      const found = of(column);
                      return found && found.n > 0 ? formatShare(1 - found.filled / found.n) : '–';
                    },
                  },
                  { id: 'distinct', header: 'Distinct', align: 'right' as const, wideOnly: true, className: 'whitespace-nowrap', cell: (column: StreamColumn) => (of(column)?.distinct === null ? '–' : `≈ ${formatCount(of(column)?.distinct)}`) },
                  { id: 'top', header: 'Commonest values', wideOnly: true, className: 'max-w-72', cell: (column: StreamColumn) => <Commonest of={of(column)} /> },
                  { id: 'min', header: 'Lowest', wideOnly: true, className: 'max-w-48 truncate font-mono', cell: (column: StreamColumn) => drawnText(of(column)?.min ?? '–') },
                  { id: 'max', header: 'Highest', wideOnly: true, className: 'max-w-48 truncate font-mono', cell: (column: StreamColumn) => drawnText(of(column)?.max ?? '–') },
                ]
              : []),
            { id: 'menu', header: <span className="sr-only">Actions</span>, tight: true, className: 'w-8 text-right', cell: (column) => <ColumnMenu stream={stream} column={column} onAlter={onAlter} /> },
          ]}
        />
      )}
    </Panel>
  );
}

/** The commonest values with their share of the sample. */
function Commonest({ of }: { of: Profile | undefined }) {
  if (!of?.top) return <>–</>;
  if (of.top.length === 0) return <span className="text-text-3">{of.filled === 0 ? 'no value' : 'no value twice'}</span>;
  return (
    <span className="flex flex-col">
      {of.top.map(({ value, n }) => (
        <span key={value} className="flex min-w-0 items-baseline justify-between gap-3">
          <span className="isolate-text max-w-40 truncate font-mono" title={value}>
            {value === '' ? '(empty)' : drawnText(value)}
          </span>
          <span className="num whitespace-nowrap text-text-3">{formatShare(n / Math.max(1, of.n))}</span>
        </span>
      ))}
    </span>
  );
}

/** Writes the statement; nothing happens before it is run in the box below. */
function ColumnMenu({ stream, column, onAlter }: { stream: StreamDetail; column: StreamColumn; onAlter: (statement: string) => void }) {
  const alter = `ALTER STREAM ${quoteName(stream.name)}`;
  const name = quoteName(column.name);
  return (
    <Menu
      label={`Change ${column.name}`}
      shape="icon"
      items={[
        { label: 'Rename', icon: <Pencil size={14} aria-hidden />, onSelect: () => onAlter(`${alter} RENAME COLUMN ${name} TO new_name`) },
        { label: 'Drop', icon: <Trash2 size={14} aria-hidden />, danger: true, onSelect: () => onAlter(`${alter} DROP COLUMN ${name}`) },
      ]}
    >
      <EllipsisVertical size={15} aria-hidden />
    </Menu>
  );
}
