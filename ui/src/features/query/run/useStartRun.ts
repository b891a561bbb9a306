/** Starting statements, and telling the rest of the app what they may have changed. */

import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { request, requestWith } from '../../../api/client';
import { checklistQuery } from '../../../api/streams';
import type { Checklist } from '../../../api/types';
import { parametersIn, parametersToSend } from '../../../lib/parameters';
import { looksReadOnly } from '../../../lib/statement';
import { checkQuery, typesIn } from '../editor/useCheck';
import { tabs } from '../tabs/tabStore';
import type { Run } from './run';
import { startRun } from './runs';

export type Start = { sql: string; from: number; isLive?: boolean };

export type StartRun = (tabId: string, start: Start) => Promise<Run>;

export function useStartRun(): StartRun {
  const queries = useQueryClient();
  return useCallback(
    async (tabId, { sql, from, isLive = false }) => {
      const types = await typesOf(queries, sql);
      const tab = tabs.now().tabs.find((each) => each.id === tabId);
      const run = await startRun(tabId, { sql, from, isLive, params: parametersToSend(sql, tab?.params ?? {}, types) });
      if (run.phase === 'finished' && !isLive) {
        // A statement about streams may change anything that is shown; a question only lengthens the history.
        void queries.invalidateQueries(looksReadOnly(sql) ? { queryKey: ['history'] } : {});
        void noteFirstQuery(queries.getQueryData(checklistQuery.queryKey));
      }
      return run;
    },
    [queries],
  );
}

/** The types of a statement's parameters. Enter may be pressed before typing has rested, so the check is waited for. */
async function typesOf(queries: QueryClient, sql: string): Promise<Record<string, string | null>> {
  if (parametersIn(sql).length === 0) return {};
  try {
    return typesIn(await queries.fetchQuery(checkQuery(sql)));
  } catch {
    // Without types the values are sent as they look; the statement itself will say what is wrong.
    return {};
  }
}

/** The first query is a step of the checklist on Overview. */
async function noteFirstQuery(known: Checklist | undefined): Promise<void> {
  if (isNoted || known?.done.includes('query')) return;
  try {
    const list = await request<Checklist>('/api/v1/checklist');
    if (!list.done.includes('query')) await requestWith('PUT', '/api/v1/checklist', { ...list, done: [...list.done, 'query'] });
    isNoted = true;
  } catch {
    // A checklist is not worth an error; the next query tries again.
  }
}

let isNoted = false;
