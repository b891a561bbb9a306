import type { Outcome } from '../../api/quarantine';
import { drawnText } from '../../lib/drawnText';
import { formatExact } from '../../lib/format';
import { Status, type Tone } from '../../ui/Status';
import { Table } from '../../ui/Table';

const tone = (outcome: string): Tone => (/stored|would pass/.test(outcome) ? 'ok' : /still|stay/.test(outcome) ? 'warn' : 'info');

/** `214 of 214 would pass`, and what keeps the others back. */
export function Outcomes({ outcomes, title }: { outcomes: readonly Outcome[]; title: string }) {
  const n = (some: readonly Outcome[]) => some.reduce((sum, outcome) => sum + Number(outcome.n_records), 0);
  const passing = outcomes.filter((outcome) => tone(outcome.outcome) !== 'warn');
  const all = n(outcomes);
  return (
    <section aria-label={title} role="status" className="rounded-md border border-line">
      <p className="px-3 py-2">
        <Status tone={n(passing) === all ? 'ok' : 'warn'}>
          {formatExact(n(passing))} of {formatExact(all)} {title === 'What would happen' ? 'would pass' : 'went through'}
        </Status>
      </p>
      {outcomes.length > 0 && (
        <Table
          label={title}
          rows={outcomes}
          rowKey={(_, index) => String(index)}
          columns={[
            { id: 'outcome', header: 'Outcome', className: 'whitespace-nowrap', cell: (outcome) => <Status tone={tone(outcome.outcome)}>{outcome.outcome}</Status> },
            { id: 'n', header: 'Records', align: 'right', cell: (outcome) => formatExact(outcome.n_records) },
            {
              id: 'reason',
              header: 'Why',
              cell: (outcome) => (
                <>
                  {outcome.path && <span className="isolate-text mr-2 font-mono">{outcome.path}</span>}
                  {outcome.reason}
                </>
              ),
            },
            { id: 'sample', header: 'One of them', wideOnly: true, className: 'max-w-64 truncate font-mono', cell: (outcome) => drawnText(outcome.sample ?? '') },
          ]}
        />
      )}
    </section>
  );
}
