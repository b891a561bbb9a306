import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { classesQuery, type QuarantineClass } from '../../../api/quarantine';
import type { StreamDetail } from '../../../api/types';
import { formatExact, plural } from '../../../lib/format';
import { useNow } from '../../../lib/useNow';
import { ButtonLink } from '../../../ui/Button';
import { Empty, Failure } from '../../../ui/Empty';
import { Panel } from '../../../ui/Panel';
import { Skeleton } from '../../../ui/Skeleton';
import { Table } from '../../../ui/Table';
import { Ago } from '../../../ui/Time';

/** Why records of this stream did not become rows; the records themselves are on the Quarantine page. */
export function QuarantineTab({ stream }: { stream: StreamDetail }) {
  const now = useNow();
  const classes = useQuery(classesQuery(stream.name));
  const open = (one: QuarantineClass) => ({ stream: one.stream, class: one.class });
  return (
    <Panel
      title="Records that did not fit"
      note={classes.data && plural(classes.data.length, 'cause')}
      actions={
        <ButtonLink kind="quiet" to="/quarantine" search={{ stream: stream.name } as never}>
          Look at the records
        </ButtonLink>
      }
    >
      {classes.isPending && <Skeleton label="Loading the causes" />}
      {classes.isError && <Failure error={classes.error} doing="reading the quarantine" onRetry={() => void classes.refetch()} />}
      {classes.data?.length === 0 && <Empty title="Every record fits">A record that does not fit the columns is kept here whole, with the reason and its position, and can be fixed later.</Empty>}
      {classes.data && classes.data.length > 0 && (
        <Table
          label="Causes"
          rows={classes.data}
          rowKey={(one) => one.class}
          columns={[
            {
              id: 'reason',
              header: 'Cause',
              cell: (one) => (
                <Link to="/quarantine" search={open(one) as never} className="text-accent hover:underline">
                  {one.path && <span className="isolate-text mr-2 font-mono">{one.path}</span>}
                  {one.reason}
                </Link>
              ),
            },
            { id: 'n', header: 'Open', align: 'right', cell: (one) => formatExact(one.n_open) },
            { id: 'first', header: 'First', wideOnly: true, cell: (one) => <Ago at={one.first_seen} now={now} /> },
            { id: 'last', header: 'Last', cell: (one) => <Ago at={one.last_seen} now={now} /> },
          ]}
        />
      )}
    </Panel>
  );
}
