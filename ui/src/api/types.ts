/** What the server says, as it says it. Field names are the server's. */

export type StreamState = 'running' | 'catching_up' | 'paused' | 'degraded' | 'failed';

export type Percentiles = { p50: number | null; p95: number | null; p99: number | null };

/** What every view of a stream knows: the list, one stream, and a line of the metrics topic. */
export type StreamSummary = {
  name: string;
  source: string;
  state: StreamState;
  since: string;
  cause: string;
  message: string;
  hint: string;
  events_per_s?: number | null;
  /** Records not yet read: one number, or one for each partition. */
  lag?: number | Record<string, number> | null;
  freshness_ms?: Percentiles | number | null;
  n_quarantined?: number | null;
  n_rows?: number | null;
  n_received?: number | null;
  retain?: string | null;
  created_at?: string | null;
  last_commit_at?: string | null;
};

export type StreamStage = { name: string; events_per_s: number | null; age_ms: number | null };
export type StreamPartition = { partition: string; position: string | null; lag: number | null };
export type StreamColumn = { name: string; type: string; required?: boolean };

export type StreamDetail = StreamSummary & {
  statement?: string;
  columns?: StreamColumn[];
  event_time?: string | { column: string } | null;
  partitions?: StreamPartition[];
  stages?: StreamStage[];
  /** Records a commit, on average; null where nothing was committed lately. */
  batch_rows?: number | null;
};

export type Metrics = {
  events_per_s: number;
  freshness_ms: Percentiles | number | null;
  lag: number;
  n_quarantined: number;
  memory_bytes: number | null;
  streams: StreamSummary[];
};

export type MetricsPoint = { time: string; events_per_s: number | null; freshness_ms: Percentiles | number | null };

export type TailData = { rows: Record<string, unknown>[]; skipped: number };

export type CatalogColumn = { name: string; type: string; hidden?: boolean };
export type CatalogTable = {
  name: string;
  schema: string;
  kind: 'stream' | 'system';
  n_rows: number | null;
  columns: CatalogColumn[];
};
export type Catalog = { version: string; tables: CatalogTable[] };

export type SqlFunction = { name: string; signature: string; kind: 'scalar' | 'aggregate' | 'window' | 'table'; doc: string };

export type SavedQuery = {
  id: string;
  title: string;
  sql: string;
  params: Record<string, unknown>;
  folder: string;
  chart: Record<string, unknown> | null;
  updated_at: string;
};

export type Checklist = { done: string[]; dismissed: boolean };

/** Records waiting at the source, over all partitions. */
export function lagOf(stream: Pick<StreamSummary, 'lag'>): number | null {
  const { lag } = stream;
  if (lag === null || lag === undefined) return null;
  if (typeof lag === 'number') return lag;
  return Object.values(lag).reduce((sum, n) => sum + n, 0);
}

/** One number for freshness: the median where percentiles are known. */
export function freshnessOf(value: Percentiles | number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'number' ? value : value.p50;
}
