/** Saved queries and history, which the server keeps. */

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { request, requestWith } from '../../../api/client';
import type { SavedQuery } from '../../../api/types';

export type NewSavedQuery = Omit<SavedQuery, 'id' | 'updated_at'>;

export type HistoryEntry = {
  id: string;
  sql: string;
  started_at: string;
  elapsed_ms: number | null;
  n_rows: number | null;
  state: 'running' | 'finished' | 'failed' | 'cancelled';
  error: { message: string } | null;
  freshness_ms: number | null;
  starred: boolean;
};

const HISTORY_PAGE = 50;

export function useSavedQueries() {
  return useQuery({
    queryKey: ['saved-queries'],
    queryFn: ({ signal }) => request<{ queries: SavedQuery[] }>('/api/v1/saved-queries', { signal }),
    select: ({ queries }) => queries,
    staleTime: 30_000,
  });
}

export function readSavedQuery(id: string): Promise<SavedQuery> {
  return request<SavedQuery>(`/api/v1/saved-queries/${encodeURIComponent(id)}`);
}

/** Saves: over the saved query the tab shows, or as a new one. */
export function useSave() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, query }: { id: string | null; query: NewSavedQuery }) =>
      id === null
        ? requestWith<SavedQuery>('POST', '/api/v1/saved-queries', query)
        : requestWith<SavedQuery>('PUT', `/api/v1/saved-queries/${encodeURIComponent(id)}`, query),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['saved-queries'] }),
  });
}

export function useDeleteSaved() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => requestWith<null>('DELETE', `/api/v1/saved-queries/${encodeURIComponent(id)}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['saved-queries'] }),
  });
}

/** History, newest first, a page at a time. */
export function useHistory(words: string) {
  return useInfiniteQuery({
    queryKey: ['history', words],
    queryFn: ({ pageParam, signal }) => {
      const search = new URLSearchParams({ q: words, limit: String(HISTORY_PAGE) });
      if (pageParam !== '') search.set('before', pageParam);
      return request<{ entries: HistoryEntry[] }>(`/api/v1/history?${search}`, { signal });
    },
    initialPageParam: '',
    getNextPageParam: ({ entries }) => (entries.length < HISTORY_PAGE ? undefined : entries.at(-1)?.started_at),
    staleTime: 5000,
  });
}

export function useStar() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, starred }: { id: string; starred: boolean }) => requestWith<null>('PUT', `/api/v1/history/${encodeURIComponent(id)}`, { starred }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['history'] }),
  });
}
