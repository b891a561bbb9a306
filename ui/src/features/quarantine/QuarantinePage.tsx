import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { requestWith } from '../../api/client';
import { classesQuery } from '../../api/quarantine';
import { checklistQuery, streamsQuery } from '../../api/streams';
import { useTitle } from '../../lib/a11y';
import { plural } from '../../lib/format';
import { useSearchState } from '../../lib/useSearchValue';
import { ButtonLink } from '../../ui/Button';
import { Empty, Failure } from '../../ui/Empty';
import { Select } from '../../ui/Field';
import { Page } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';
import { ClassDetail } from './ClassDetail';
import { ClassList } from './ClassList';

/** Records that did not become rows: what is wrong with them on the left, the records on the right. Looking changes nothing. */
export default function QuarantinePage() {
  useTitle('Quarantine');
  const [search, setSearch] = useSearchState();
  const stream = search.stream || null;
  const classes = useQuery(classesQuery(stream));
  const streams = useQuery(streamsQuery);
  const found = classes.data ?? [];
  const chosen = found.find((one) => one.class === search.class) ?? found[0] ?? null;
  const total = found.reduce((sum, one) => sum + one.n_open, 0);
  const first = chosen?.class;
  useEffect(() => {
    // The choice is kept in the address, so that a class that appears above does not take its place.
    if (first !== undefined && search.class !== first) setSearch({ class: first });
  }, [first, search.class, setSearch]);
  useNoted(found.length > 0);
  return (
    <Page
      title="Quarantine"
      lead={classes.data && (found.length === 0 ? undefined : `${plural(total, 'open record')} that did not fit, ${plural(found.length, 'cause')}`)}
      actions={
        <Select aria-label="Stream" className="max-w-56" value={search.stream ?? ''} onChange={(event) => setSearch({ stream: event.target.value, class: undefined })}>
          <option value="">Every stream</option>
          {(streams.data ?? []).map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </Select>
      }
    >
      {classes.isPending && <Skeleton label="Loading the quarantine" rows={6} />}
      {classes.isError && <Failure error={classes.error} doing="reading the quarantine" onRetry={() => void classes.refetch()} />}
      {classes.isSuccess && found.length === 0 && (
        <section className="rounded-lg border border-line bg-surface">
          <Empty title={stream ? `Every record of ${stream} fits` : 'Every record fits'} actions={<ButtonLink to="/streams">Streams</ButtonLink>}>
            A record that does not fit the columns of its stream is kept here whole, with the reason, the field at fault and its position. Nothing is dropped, and looking at a record
            never removes it.
          </Empty>
        </section>
      )}
      {chosen && (
        <div className="grid min-w-0 items-start gap-3 lg:grid-cols-[minmax(280px,2fr)_5fr]">
          <ClassList classes={found} chosen={chosen} showStream={stream === null} onChoose={(one) => setSearch({ class: one.class, stream: stream ?? undefined }, { push: true })} />
          <ClassDetail key={`${chosen.stream} ${chosen.class}`} one={chosen} />
        </div>
      )}
    </Page>
  );
}

/** Ticks "look at a record that did not fit" off the first steps. */
function useNoted(seen: boolean): void {
  const queries = useQueryClient();
  const kept = useQuery(checklistQuery);
  const { data } = kept;
  useEffect(() => {
    if (!seen || !data || data.done.includes('quarantine')) return;
    const next = { ...data, done: [...data.done, 'quarantine'] };
    queries.setQueryData(checklistQuery.queryKey, next);
    // A tick that is not kept is no loss; it is made again the next time.
    void requestWith('PUT', '/api/v1/checklist', next).catch(() => undefined);
  }, [seen, data, queries]);
}
