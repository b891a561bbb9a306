/** What the server knows: tables, columns and functions. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { request, requestWith } from '../../../api/client';
import { catalogQuery } from '../../../api/streams';
import type { Catalog, CatalogColumn, SqlFunction } from '../../../api/types';
import type { Vocabulary } from '../../../lib/completions';

const NOTHING: Catalog = { version: '', tables: [] };
const NO_FUNCTIONS: SqlFunction[] = [];

export function useCatalog() {
  // Streams come and go while the page is open; the ETag makes asking again cheap.
  return useQuery({ ...catalogQuery, refetchInterval: 30_000 });
}

export function useFunctions() {
  return useQuery({
    queryKey: ['functions'],
    queryFn: ({ signal }) => request<{ functions: SqlFunction[] }>('/api/v1/functions', { signal }),
    staleTime: Infinity,
  });
}

/** Everything completion offers. */
export function useVocabulary(): Vocabulary {
  const catalog = useCatalog().data ?? NOTHING;
  const functions = useFunctions().data?.functions ?? NO_FUNCTIONS;
  const queries = useQueryClient();
  const columnsOf = useCallback(
    (sql: string) =>
      queries
        .fetchQuery({ queryKey: ['columns-of', sql], queryFn: () => columnsOfStatement(sql), staleTime: 60_000, retry: false })
        .catch(() => null),
    [queries],
  );
  return useMemo(() => ({ catalog, functions, columnsOf }), [catalog, functions, columnsOf]);
}

/** The planner's answer; a statement that is not whole yet has no columns, which is no error. */
async function columnsOfStatement(sql: string): Promise<CatalogColumn[] | null> {
  const checked = await requestWith<{ columns: CatalogColumn[] | null }>('POST', '/api/v1/query/check', { sql });
  return checked.columns;
}
