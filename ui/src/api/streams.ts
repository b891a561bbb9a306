/** Streams, as the server lists them. */

import { queryOptions } from '@tanstack/react-query';
import { request } from './client';
import { runSql } from './sql';
import type { Catalog, Checklist, StreamDetail, StreamSummary } from './types';
import { quoteName } from '../lib/sqlText';

export const streamsQuery = queryOptions({
  queryKey: ['streams'],
  queryFn: async ({ signal }) => (await request<{ streams: StreamSummary[] }>('/api/v1/streams', { signal })).streams,
});

export const streamQuery = (name: string) =>
  queryOptions({
    queryKey: ['streams', name],
    queryFn: ({ signal }) => request<StreamDetail>(`/api/v1/streams/${encodeURIComponent(name)}`, { signal }),
  });

export const catalogQuery = queryOptions({
  queryKey: ['catalog'],
  queryFn: ({ signal }) => request<Catalog>('/api/v1/catalog', { signal }),
  staleTime: 10_000,
});

export const checklistQuery = queryOptions({
  queryKey: ['checklist'],
  queryFn: ({ signal }) => request<Checklist>('/api/v1/checklist', { signal }),
  staleTime: 60_000,
});

export const pauseStream = (name: string) => runSql(`PAUSE STREAM ${quoteName(name)}`);
export const resumeStream = (name: string) => runSql(`RESUME STREAM ${quoteName(name)}`);
export const dropStream = (name: string) => runSql(`DROP STREAM ${quoteName(name)}`);
