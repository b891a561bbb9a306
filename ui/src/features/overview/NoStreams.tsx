import { useMutation } from '@tanstack/react-query';
import { runSql } from '../../api/sql';
import { Button, ButtonLink } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { Page } from '../../ui/Panel';
import { toast } from '../../ui/Toast';

const DEMO = 'CREATE STREAM shop FROM DEMO';

/** A server without streams: two ways to begin. */
export function NoStreams() {
  const start = useMutation({
    mutationFn: () => runSql(DEMO),
    onError: (error) => toast(`Cannot start the demo: ${error.message}`, 'crit'),
  });
  return (
    <Page title="Overview">
      <section className="rounded-lg border border-line bg-surface">
        <Empty
          title="No stream yet"
          actions={
            <>
              <ButtonLink kind="primary" to="/streams/new">
                Connect a stream
              </ButtonLink>
              <Button kind="outline" disabled={start.isPending} onClick={() => start.mutate()}>
                Turn the demo on
              </Button>
            </>
          }
        >
          A stream brings events from Kafka, HTTP or a file into a table that can be asked in SQL seconds later. The demo makes up the events of a shop, 400 a second, so that there is
          something to look at.
        </Empty>
      </section>
    </Page>
  );
}
