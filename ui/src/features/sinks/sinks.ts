/** Clusters and sinks, as the system tables have them, and the statements about them. */

import { useQuery } from '@tanstack/react-query';
import { rowsOf } from '../../api/sql';
import { useHasSystemTable } from '../../api/useSystemTable';
import { quoteName, quoteText } from '../../lib/sqlText';
import type { Tone } from '../../ui/Status';

export type ClusterRow = {
  name: string;
  url: string;
  user: string;
  database: string;
  version: string | null;
  /** `not asked`, `answers`, `away` or `refuses`. */
  state: string;
  /** The host that is asked now; none before the first question. */
  host: string | null;
  message: string | null;
  hint: string | null;
  statement: string;
  answered_at: string | null;
  n_sinks: number;
};

export type SinkRow = {
  name: string;
  stream: string;
  cluster: string;
  table: string;
  state: string;
  message: string | null;
  hint: string | null;
  delivered: number;
  newest: number | null;
  lag_s: number | null;
  n_rows: number;
  last_delivery_at: string | null;
  stored: boolean;
};

/** One thing that was looked at, and what was found. */
export type Finding = { about: string; result: string; detail: string };

export const CLUSTER_TONES: Record<string, Tone> = { answers: 'ok', away: 'crit', refuses: 'crit' };
export const FINDING_TONES: Record<string, Tone> = { ok: 'ok', note: 'info', missing: 'warn' };
export const SINK_TONES: Record<string, Tone> = { running: 'ok', catching_up: 'info', paused: 'idle', degraded: 'warn', refused: 'crit', parked: 'crit' };

/** Every cluster; none where the server has no such table. */
export function useClusters() {
  const known = useHasSystemTable('clusters');
  return useQuery({
    queryKey: ['system', 'clusters'],
    enabled: known,
    refetchInterval: 5000,
    queryFn: ({ signal }) => rowsOf<ClusterRow>('SELECT * FROM system.clusters ORDER BY name', undefined, signal),
  });
}

/** The sinks of one stream, or all. */
export function useSinks(stream?: string) {
  const known = useHasSystemTable('sinks');
  return useQuery({
    queryKey: ['system', 'sinks', stream ?? ''],
    enabled: known,
    refetchInterval: 2000,
    queryFn: ({ signal }) =>
      stream === undefined
        ? rowsOf<SinkRow>('SELECT * FROM system.sinks ORDER BY name', undefined, signal)
        : rowsOf<SinkRow>('SELECT * FROM system.sinks WHERE stream = $1 ORDER BY name', [stream], signal),
  });
}

/** The statement that makes a sink for a stream, named after its table, of which there is one, and its cluster. */
export function createSink(stream: string, cluster: string, table: string): string {
  return `CREATE SINK ${quoteName(`${table}_${cluster}`)} FROM ${quoteName(stream)} INTO ${quoteName(cluster)}.${quoteName(table)}`;
}

/** The statement that looks at a cluster again: it is set to what it is. */
export function checkCluster(name: string, url: string): string {
  return `ALTER CLUSTER ${quoteName(name)} SET (url = ${/^(SECRET|ENV) '/.test(url) ? url : quoteText(url)})`;
}
