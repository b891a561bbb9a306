/** What was asked last on this server's Query page. */

import { queryOptions } from '@tanstack/react-query';
import { request } from '../../api/client';

export type RecentQuery = { id: string; sql: string; started_at: string; elapsed_ms: number | null; n_rows: number | null; state: string; error: unknown };

export const recentQueries = queryOptions({
  queryKey: ['history', 'recent'],
  queryFn: async ({ signal }) => (await request<{ entries: RecentQuery[] }>('/api/v1/history?limit=6', { signal })).entries,
});
