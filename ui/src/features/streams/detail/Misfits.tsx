import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { classesQuery } from '../../../api/quarantine';
import type { StreamDetail } from '../../../api/types';
import { formatCount, formatExact } from '../../../lib/format';
import { useNow } from '../../../lib/useNow';
import { ButtonLink } from '../../../ui/Button';
import { Panel } from '../../../ui/Panel';
import { Table } from '../../../ui/Table';
import { Ago } from '../../../ui/Time';

const SHOWN_MAX = 5;

/** The errors by their cause, those that happen now first; nothing where every record fits. */
export function Misfits({ stream }: { stream: StreamDetail }) {
  const now = useNow();
  const classes = useQuery(classesQuery(stream.name));
  const found = (classes.data ?? []).toSorted((a, b) => Date.parse(b.last_seen) - Date.parse(a.last_seen));
  if (found.length === 0) return null;
  return (
    <Panel
      title="Errors by cause"
      note={found.length > SHOWN_MAX ? `the latest ${SHOWN_MAX} of ${found.length}` : undefined}
      actions={
        <ButtonLink kind="quiet" to="/quarantine" search={{ stream: stream.name } as never}>
          Quarantine
        </ButtonLink>
      }
    >
      <Table
        label="Errors by cause"
        rows={found.slice(0, SHOWN_MAX)}
        rowKey={(one) => one.class}
        columns={[
          { id: 'path', header: 'Field', className: 'isolate-text max-w-48 truncate font-mono', cell: (one) => one.path || 'the whole record' },
          {
            id: 'reason',
            header: 'Cause',
            cell: (one) => (
              <Link to="/quarantine" search={{ stream: one.stream, class: one.class } as never} className="text-accent hover:underline">
                {one.reason}
              </Link>
            ),
          },
          { id: 'rate', header: 'A minute', align: 'right', wideOnly: true, cell: (one) => formatCount(one.per_minute) },
          { id: 'n', header: 'Records', align: 'right', cell: (one) => formatExact(one.n_records) },
          { id: 'last', header: 'Last', align: 'right', cell: (one) => <Ago at={one.last_seen} now={now} /> },
        ]}
      />
    </Panel>
  );
}
