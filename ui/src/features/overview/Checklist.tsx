import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Circle, CircleCheck, X } from 'lucide-react';
import { useEffect } from 'react';
import { requestWith } from '../../api/client';
import { usePulse } from '../../api/metrics';
import { checklistQuery, dropStream } from '../../api/streams';
import type { Checklist as Kept } from '../../api/types';
import { recentQueries } from './recent';
import { isDemo } from '../../lib/demo';
import { Button, IconButton } from '../../ui/Button';
import { toast } from '../../ui/Toast';

const STEPS = [
  { id: 'see', text: 'See events arrive', to: '/' },
  { id: 'query', text: 'Run a query', to: '/query' },
  { id: 'quarantine', text: 'Look at a record that did not fit', to: '/quarantine' },
  { id: 'connect', text: 'Connect your own stream', to: '/streams/new' },
] as const;

/** Four lines that say what there is to try. Kept on the server, so that every browser agrees. */
export function Checklist({ onlyDemo }: { onlyDemo: boolean }) {
  const { now } = usePulse();
  const queries = useQueryClient();
  const kept = useQuery(checklistQuery);
  const save = useMutation({
    mutationFn: (next: Kept) => requestWith<Kept>('PUT', '/api/v1/checklist', next),
    onMutate: (next) => queries.setQueryData(checklistQuery.queryKey, next),
  });
  const done = new Set(kept.data?.done ?? []);
  const sees = (now?.events_per_s ?? 0) > 0;
  const asked = useQuery(recentQueries);
  const hasAsked = (asked.data?.length ?? 0) > 0;
  const hasOwn = Boolean(now?.streams.some((stream) => !isDemo(stream)));
  const { data } = kept;
  const { mutate } = save;
  useEffect(() => {
    if (!data) return;
    const noticed = [...(sees ? ['see'] : []), ...(hasAsked ? ['query'] : []), ...(hasOwn ? ['connect'] : [])].filter((step) => !data.done.includes(step));
    if (noticed.length > 0) mutate({ ...data, done: [...data.done, ...noticed] });
  }, [data, sees, hasAsked, hasOwn, mutate]);
  if (!data || data.dismissed || STEPS.every((step) => done.has(step.id))) return null;
  const demo = now?.streams.find(isDemo);
  return (
    <section aria-label="First steps" className="flex flex-wrap items-center gap-x-5 gap-y-1 rounded-lg border border-line bg-surface py-1.5 pr-1.5 pl-3">
      <h2 className="text-sm font-semibold">First steps</h2>
      <ol className="flex flex-wrap gap-x-5 gap-y-1">
        {STEPS.map(({ id, text, to }) => (
          <li key={id} className="inline-flex min-h-6 items-center gap-1.5">
            {done.has(id) ? <CircleCheck size={15} aria-label="Done:" className="text-ok" /> : <Circle size={15} aria-label="To do:" className="text-text-3" />}
            {done.has(id) ? (
              <span className="text-text-3">{text}</span>
            ) : (
              <Link to={to} className="font-medium text-accent underline">
                {text}
              </Link>
            )}
          </li>
        ))}
      </ol>
      <span className="ml-auto flex items-center gap-1">
        {demo && (onlyDemo || hasOwn) && <RemoveDemo name={demo.name} />}
        <IconButton label="Hide the first steps" onClick={() => mutate({ ...data, dismissed: true })}>
          <X size={14} aria-hidden />
        </IconButton>
      </span>
    </section>
  );
}

function RemoveDemo({ name }: { name: string }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => dropStream(name),
    onSuccess: () => {
      toast(`Removed ${name}: its rows, quarantine and positions are gone`);
      void queries.invalidateQueries();
    },
    onError: (error) => toast(`Cannot remove ${name}: ${error.message}`, 'crit'),
  });
  return (
    <Button disabled={remove.isPending} onClick={() => remove.mutate()}>
      Remove the demo
    </Button>
  );
}
