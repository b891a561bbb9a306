/** Keeps the tab in front and the address in step: a link opens what it says, and what is open can be linked to. */

import { useLocation, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { parametersFromSearch, searchWithParameters } from '../../lib/parameters';
import { decodeFragment } from '../../lib/share';
import { looksReadOnly } from '../../lib/statement';
import { readSavedQuery } from './library/saved';
import type { ChartSpec } from '../../lib/chartChoice';
import { activeTab, type ResultView, type Tabs } from './tabs/tab';
import { tabs } from './tabs/tabStore';

const VIEWS: readonly ResultView[] = ['table', 'chart', 'plan', 'messages'];

/** What went wrong with the address, or null. `onRun` is given a statement that a click inside the app asks to be run. */
export function useAddress(state: Tabs | null, onRun: (sql: string) => void): { failure: unknown } {
  const { id } = useParams({ strict: false }) as { id?: string };
  const location = useLocation();
  const navigate = useNavigate();
  const [failure, setFailure] = useState<unknown>(null);
  const [isRead, setRead] = useState(false);
  const runNow = useRef(onRun);
  useEffect(() => {
    runNow.current = onRun;
  });
  const isReady = state !== null;

  // What the address brings: a saved query, a statement in the fragment, a tab of this browser.
  useEffect(() => {
    if (!isReady) return;
    let isGone = false;
    const open = async () => {
      const search = new URLSearchParams(location.searchStr);
      const run = (location.state as { run?: boolean }).run === true;
      const given = { params: parametersFromSearch(location.searchStr), ...viewOf(search) };
      if (id !== undefined) await openSaved(id, given);
      else if (location.hash !== '') {
        const sql = await decodeFragment(location.hash);
        if (isGone) return;
        if (sql === null) throw new Error('the link is damaged: its statement cannot be read');
        // Only a click inside the app runs at once; a link from elsewhere shows what it would run.
        if (run && looksReadOnly(sql)) runNow.current(sql);
        else showStatement(sql, given);
      } else {
        tabs.activate(search.get('tab') ?? '');
        if (Object.keys(given.params).length > 0 || given.view !== undefined) tabs.change(tabs.now().activeId, { ...given, params: { ...tabs.active().params, ...given.params } });
      }
    };
    open()
      .then(() => !isGone && setRead(true))
      .catch((error: unknown) => !isGone && setFailure(error));
    return () => {
      isGone = true;
    };
    // Search parameters are written by this page itself and must not open things again.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [isReady, id, location.hash]);

  // What is in front goes into the address.
  const front = state === null ? null : activeTab(state);
  useEffect(() => {
    if (front === null || !isRead || failure !== null) return;
    const base = new URLSearchParams();
    base.set('tab', front.id);
    if (front.view !== 'table') base.set('view', front.view);
    const search = Object.fromEntries(new URLSearchParams(searchWithParameters(base.toString(), front.params)));
    const saved = front.savedId;
    const to = saved === null ? { to: '/query' as const } : { to: '/query/$id' as const, params: { id: saved } };
    void navigate({ ...to, search: search as never, replace: true, resetScroll: false });
  }, [front?.id, front?.view, front?.params, front?.savedId, isRead, failure, navigate]);

  return { failure };
}

function viewOf(search: URLSearchParams): { view?: ResultView } {
  const view = VIEWS.find((each) => each === search.get('view'));
  return view === undefined ? {} : { view };
}

type Given = { params: Record<string, string>; view?: ResultView };

function showStatement(sql: string, given: Given): void {
  const same = tabs.now().tabs.find((tab) => tab.sql === sql);
  if (same === undefined) tabs.open({ sql, ...given });
  else {
    tabs.activate(same.id);
    tabs.change(same.id, given);
  }
}

/** Opens a saved query, or goes to the tab that shows it. */
export async function openSaved(id: string, given: Given): Promise<void> {
  const open = tabs.now().tabs.find((tab) => tab.savedId === id);
  if (open !== undefined) {
    tabs.activate(open.id);
    if (Object.keys(given.params).length > 0) tabs.change(open.id, given);
    return;
  }
  const saved = await readSavedQuery(id);
  const params = Object.fromEntries(Object.entries(saved.params ?? {}).map(([name, value]) => [name, String(value)]));
  tabs.open({
    title: saved.title,
    isNamed: true,
    sql: saved.sql,
    savedId: saved.id,
    folder: saved.folder,
    chart: saved.chart as ChartSpec | null,
    ...given,
    params: { ...params, ...given.params },
  });
}
