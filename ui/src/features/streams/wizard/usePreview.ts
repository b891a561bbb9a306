/** What becomes of the samples: first the columns they suggest, then what each change of the columns does to them. */

import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { guessEventTime, mergeColumns } from './draft';
import { statementOf } from './statement';
import type { Wizard } from './useDraft';
import { preview, type Preview } from './wizardApi';

const REST_MS = 300;

export function usePreview({ draft, change }: Wizard): { data: Preview | undefined; error: unknown; isFetching: boolean; retry: () => void } {
  const { sample } = draft;
  const statement = useRested(statementOf(draft));
  const isInferred = draft.columns.length > 0;
  const query = useQuery({
    queryKey: ['preview', statement, sample],
    queryFn: ({ signal }) => preview(statement, sample ?? { format: 'json', why: '', records: [], encoding: 'utf8' }, signal),
    enabled: sample !== null && sample.records.length > 0,
    // While a change is looked at, what was said before stays in sight.
    placeholderData: (before) => before,
    staleTime: Infinity,
    retry: false,
  });
  const { data, isPlaceholderData } = query;
  useEffect(() => {
    if (data === undefined || isPlaceholderData || data.columns.length === 0) return;
    change((old) => {
      const columns = mergeColumns(old.columns, data.columns);
      if (isInferred && JSON.stringify(columns) === JSON.stringify(old.columns)) return old;
      return { ...old, columns, eventTime: isInferred ? old.eventTime : guessEventTime(columns) };
    });
  }, [data, isPlaceholderData, isInferred, change]);
  return { data, error: query.error, isFetching: query.isFetching, retry: () => void query.refetch() };
}

/** The statement once nobody has changed it for a moment. */
function useRested(statement: string): string {
  const [rested, setRested] = useState(statement);
  useEffect(() => {
    const timer = setTimeout(() => setRested(statement), REST_MS);
    return () => clearTimeout(timer);
  }, [statement]);
  return rested;
}
