/** The tabs of this window: read once, then kept in memory and written behind. */

import { useSyncExternalStore } from 'react';
import { readTabs, writeTabs } from './tabDatabase';
import { activeTab, changed, closed, moved, newTab, opened, reopened, type QueryTab, type Tabs } from './tab';
import { forgetRuns } from '../run/runs';

const WRITE_AFTER_MS = 250;

let state: Tabs | null = null;
let loading: Promise<Tabs> | null = null;
let written = new Map<string, { tab: QueryTab; position: number }>();
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

const makeId = () => `t_${crypto.getRandomValues(new Uint32Array(2)).join('').slice(0, 12)}`;

/** Reads the tabs of earlier visits. Empty ones are not brought back. */
export function loadTabs(): Promise<Tabs> {
  loading ??= readTabs().then((kept) => {
    const tabs = kept.tabs.filter((tab) => tab.sql.trim() !== '');
    written = new Map(tabs.map((tab, position) => [tab.id, { tab, position }]));
    const first = tabs[0] ?? newTab(makeId());
    const activeId = tabs.some((tab) => tab.id === kept.activeId) ? (kept.activeId ?? first.id) : first.id;
    put({ tabs: tabs.length > 0 ? tabs : [first], activeId, closed: [] });
    addEventListener('pagehide', flush);
    return current();
  });
  return loading;
}

function current(): Tabs {
  state ??= { tabs: [newTab('t_first')], activeId: 't_first', closed: [] };
  return state;
}

function put(next: Tabs): void {
  state = next;
  for (const listener of listeners) listener();
  clearTimeout(timer);
  timer = setTimeout(flush, WRITE_AFTER_MS);
}

function flush(): void {
  clearTimeout(timer);
  const { tabs, activeId } = current();
  const now = new Map(tabs.map((tab, position) => [tab.id, { tab, position }]));
  const differs = (id: string) => written.get(id)?.tab !== now.get(id)?.tab || written.get(id)?.position !== now.get(id)?.position;
  const removed = [...written.keys()].filter((id) => !now.has(id));
  void writeTabs([...now.values()].filter(({ tab }) => differs(tab.id)), removed, activeId);
  written = now;
}

/** Null until the tabs of earlier visits have been read. */
export function useTabs(): Tabs | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

export const tabs = {
  now: current,
  active: () => activeTab(current()),

  /** Opens a tab; an empty one that is in front is filled instead. */
  open(part: Partial<QueryTab> = {}): string {
    const front = activeTab(current());
    if (part.sql !== undefined && front.sql.trim() === '' && front.savedId === null) {
      put(changed(current(), front.id, { ...part }));
      return front.id;
    }
    const tab = newTab(makeId(), part);
    put(opened(current(), tab));
    return tab.id;
  },

  close(id: string): void {
    forgetRuns(id);
    put(closed(current(), id, makeId()));
  },

  reopen(): void {
    put(reopened(current()));
  },

  activate(id: string): void {
    if (current().activeId !== id && current().tabs.some((tab) => tab.id === id)) put({ ...current(), activeId: id });
  },

  change(id: string, part: Partial<QueryTab>): void {
    put(changed(current(), id, part));
  },

  move(id: string, to: number): void {
    put(moved(current(), id, to));
  },
};
