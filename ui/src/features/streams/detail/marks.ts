/** What happened to a stream lately: the server's start, the stream's own, and changes of its columns. */

import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { rowsOf } from '../../../api/sql';
import type { StreamDetail } from '../../../api/types';
import { useHasSystemTable } from '../../../api/useSystemTable';
import type { Mark } from '../../../ui/TimeChart';

type Event = { time: string; kind: string; path: string | null };

const MARKS_MAX = 20;

export function useMarks(stream: StreamDetail): readonly Mark[] {
  const has = useHasSystemTable('schema_events');
  const started = useQuery({
    queryKey: ['process-start'],
    staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const [row] = await rowsOf<{ value: number }>("SELECT value FROM system.metrics WHERE name = 'process_start_time_seconds' LIMIT 1", undefined, signal);
      return row === undefined ? null : Number(row.value);
    },
  });
  const events = useQuery({
    queryKey: ['schema-events', stream.name, 'marks'],
    enabled: has,
    refetchInterval: 10_000,
    queryFn: ({ signal }) =>
      rowsOf<Event>(`SELECT time, kind, path FROM system.schema_events WHERE stream = $1 AND time > now() - INTERVAL '10 minutes' ORDER BY time DESC LIMIT ${MARKS_MAX}`, [stream.name], signal),
  });
  const { created_at: created } = stream;
  return useMemo(() => marksOf(started.data ?? null, created ?? null, events.data ?? []), [started.data, created, events.data]);
}

/** In the order in which they happened. */
export function marksOf(startedAt: number | null, createdAt: string | null, events: readonly Event[]): Mark[] {
  const marks = events.map(({ time, kind, path }) => ({ time: Date.parse(time) / 1000, label: `${kind.replaceAll('_', ' ')}${path ? ` ${path}` : ''}` }));
  if (startedAt !== null) marks.push({ time: startedAt, label: 'Helios started' });
  if (createdAt !== null) marks.push({ time: Date.parse(createdAt) / 1000, label: 'stream created' });
  return marks.toSorted((a, b) => a.time - b.time);
}
