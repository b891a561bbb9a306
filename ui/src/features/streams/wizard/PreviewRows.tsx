import { formatExact } from '../../../lib/format';
import { Status } from '../../../ui/Status';
import { Table } from '../../../ui/Table';
import type { DraftColumn } from './draft';
import type { Preview } from './wizardApi';

const SHOWN = 10;

/** How many samples would be stored, and why the others would not. */
export function RejectSummary({ preview, nRecords, isFetching }: { preview: Preview; nRecords: number; isFetching: boolean }) {
  const n = new Set(preview.rejects.map((reject) => reject.index)).size;
  const reasons = new Map<string, number>();
  for (const { path, reason } of preview.rejects) {
    const text = path === null ? reason : `${path}: ${reason}`;
    reasons.set(text, (reasons.get(text) ?? 0) + 1);
  }
  const top = [...reasons].toSorted((a, b) => b[1] - a[1]).slice(0, 4);
  return (
    <div role="status" aria-busy={isFetching} className="flex flex-col gap-1">
      <Status tone={n === 0 ? 'ok' : 'warn'}>
        {n === 0 ? `All ${formatExact(nRecords)} samples would be stored.` : `${formatExact(n)} of ${formatExact(nRecords)} samples would go to quarantine, where they can be looked at.`}
      </Status>
      {top.length > 0 && (
        <ul className="list-disc pl-9 text-xs text-text-2">
          {top.map(([text, count]) => (
            <li key={text} className="[overflow-wrap:anywhere]">
              {text} <span className="text-text-3">({formatExact(count)})</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The first samples as they would be stored. */
export function PreviewRows({ preview, columns }: { preview: Preview; columns: readonly DraftColumn[] }) {
  const kept = columns.filter((column) => column.isKept);
  if (preview.rows.length === 0 || kept.length === 0) return null;
  return (
    <section aria-labelledby="preview-title" className="min-w-0">
      <h3 id="preview-title" className="mb-1 text-sm font-semibold">
        As rows
      </h3>
      <div className="overflow-hidden rounded-md border border-line bg-surface">
        <Table
          label="The sample as rows"
          mono
          rows={preview.rows.slice(0, SHOWN)}
          rowKey={(_, index) => String(index)}
          columns={kept.map((column) => ({
            id: column.path,
            header: column.name,
            cell: (row: Record<string, unknown>) => <Value value={row[column.name]} />,
          }))}
        />
      </div>
    </section>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <i className="text-text-3">null</i>;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (
    <span dir="auto" className="isolate-text line-clamp-1 max-w-64 [overflow-wrap:anywhere]">
      {text.slice(0, 300)}
    </span>
  );
}
