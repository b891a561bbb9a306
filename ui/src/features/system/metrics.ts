/** Numbers of the process, from `system.metrics`. */

import { queryOptions } from '@tanstack/react-query';
import { rowsOf } from '../../api/sql';

export type Sample = { name: string; labels: string; value: number };

const NAMES = [
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'helios_lake_tail_bytes',
  'helios_lake_files',
  'helios_commits_total',
  'helios_rows_total',
  'helios_queries_total',
  'helios_queries_running',
  'helios_commit_seconds_bucket',
  'helios_compaction_seconds_bucket',
  'helios_query_seconds_bucket',
] as const;

export const samplesQuery = queryOptions({
  queryKey: ['system', 'metrics'],
  refetchInterval: 2000,
  queryFn: ({ signal }) => rowsOf<Sample>(`SELECT name, labels, value FROM system.metrics WHERE name IN (${NAMES.map((name) => `'${name}'`).join(', ')})`, undefined, signal),
});

/** The sum of a metric over its labels; null when there is none of it. */
export function total(samples: readonly Sample[], name: (typeof NAMES)[number]): number | null {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? null : found.reduce((sum, sample) => sum + sample.value, 0);
}

/** A percentile of a histogram over all its labels, by straight lines between the bounds of its buckets. */
export function percentile(samples: readonly Sample[], name: (typeof NAMES)[number], share: number): number | null {
  const counts = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== name) continue;
    const { le } = JSON.parse(sample.labels) as { le?: string };
    const bound = le === undefined || /inf/i.test(le) ? Infinity : Number(le);
    counts.set(bound, (counts.get(bound) ?? 0) + sample.value);
  }
  const buckets = [...counts].sort(([a], [b]) => a - b);
  const all = buckets.at(-1)?.[1] ?? 0;
  if (all === 0) return null;
  const wanted = all * share;
  let [lower, below] = [0, 0];
  for (const [bound, count] of buckets) {
    if (count >= wanted) return bound === Infinity ? lower : lower + ((bound - lower) * (wanted - below)) / Math.max(1, count - below);
    [lower, below] = [bound, count];
  }
  return lower;
}
