import { clsx } from 'clsx';
import type { QuarantinedRecord } from '../../api/quarantine';
import { drawnText } from '../../lib/drawnText';
import { formatBytes } from '../../lib/format';
import { Table } from '../../ui/Table';
import { Timestamp } from '../../ui/Time';

export function RecordTable({
  rows,
  shown,
  onShow,
  caption,
}: {
  rows: readonly QuarantinedRecord[];
  shown: QuarantinedRecord | null;
  onShow: (id: number | string) => void;
  caption?: string;
}) {
  return (
    <div className="max-h-72 overflow-auto">
      <Table
        label="Records"
        rows={rows}
        rowKey={(record) => String(record.id)}
        caption={caption}
        columns={[
          { id: 'time', header: 'Arrived', cell: (record) => <Timestamp at={record.time} /> },
          { id: 'partition', header: 'Partition', wideOnly: true, className: 'font-mono', cell: (record) => record.partition },
          { id: 'position', header: 'Position', className: 'max-w-40 truncate font-mono', cell: (record) => record.position },
          { id: 'size', header: 'Size', align: 'right', wideOnly: true, cell: (record) => formatBytes(record.payload_bytes) },
          {
            id: 'payload',
            header: 'Payload',
            className: 'w-full max-w-0',
            cell: (record) => (
              <button
                type="button"
                aria-pressed={record === shown}
                onClick={() => onShow(record.id)}
                className={clsx('block w-full min-w-24 truncate text-left font-mono', record === shown ? 'font-semibold text-accent' : 'text-text-2 hover:text-text')}
              >
                {drawnText(record.payload ?? '')}
              </button>
            ),
          },
        ]}
      />
    </div>
  );
}
