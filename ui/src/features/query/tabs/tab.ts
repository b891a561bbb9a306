/** The console's tabs, as data: every change is a function from one state to the next. */

import type { ChartSpec } from '../../../lib/chartChoice';

export type ResultView = 'table' | 'chart' | 'plan' | 'messages';

export type QueryTab = {
  id: string;
  title: string;
  /** Whether a person gave the title; otherwise it follows the text. */
  isNamed: boolean;
  sql: string;
  cursor: { anchor: number; head: number };
  params: Record<string, string>;
  /** The saved query this tab shows, which is overwritten on save. */
  savedId: string | null;
  folder: string;
  chart: ChartSpec | null;
  view: ResultView;
};

export type Tabs = { tabs: readonly QueryTab[]; activeId: string; closed: readonly QueryTab[] };

const CLOSED_MAX = 20;
const TITLE_CHARS_MAX = 32;

export function newTab(id: string, part: Partial<QueryTab> = {}): QueryTab {
  return {
    id,
    title: '',
    isNamed: false,
    sql: '',
    cursor: { anchor: 0, head: 0 },
    params: {},
    savedId: null,
    folder: '',
    chart: null,
    view: 'table',
    ...part,
  };
}

/** The title a tab shows: the person's, or what its text begins with. */
export function titleOf(tab: QueryTab, index: number): string {
  if (tab.isNamed && tab.title !== '') return tab.title;
  const comment = /^\s*--\s*(.+)/.exec(tab.sql)?.[1];
  const words = (comment ?? tab.sql.trim().split('\n')[0] ?? '').trim();
  if (words === '') return `Untitled ${index + 1}`;
  return words.length > TITLE_CHARS_MAX ? `${words.slice(0, TITLE_CHARS_MAX - 1).trimEnd()}…` : words;
}

export function opened(state: Tabs, tab: QueryTab): Tabs {
  return { ...state, tabs: [...state.tabs, tab], activeId: tab.id };
}

/** Closes a tab. The last one makes room for an empty one, so that there is always something to type into. */
export function closed(state: Tabs, id: string, spareId: string): Tabs {
  const index = state.tabs.findIndex((tab) => tab.id === id);
  const gone = state.tabs[index];
  if (gone === undefined) return state;
  const left = state.tabs.filter((tab) => tab.id !== id);
  const tabs = left.length > 0 ? left : [newTab(spareId)];
  const neighbour = tabs[Math.min(index, tabs.length - 1)] ?? tabs[0];
  const activeId = state.activeId === id ? (neighbour?.id ?? '') : state.activeId;
  // An empty tab is not worth bringing back.
  const remembered = gone.sql.trim() === '' ? state.closed : [gone, ...state.closed].slice(0, CLOSED_MAX);
  return { tabs, activeId, closed: remembered };
}

export function reopened(state: Tabs): Tabs {
  const [first, ...rest] = state.closed;
  return first === undefined ? state : { ...opened(state, first), closed: rest };
}

export function changed(state: Tabs, id: string, change: Partial<QueryTab>): Tabs {
  return { ...state, tabs: state.tabs.map((tab) => (tab.id === id ? { ...tab, ...change } : tab)) };
}

export function moved(state: Tabs, id: string, to: number): Tabs {
  const tab = state.tabs.find((each) => each.id === id);
  if (tab === undefined) return state;
  const others = state.tabs.filter((each) => each.id !== id);
  const at = Math.max(0, Math.min(to, others.length));
  return { ...state, tabs: [...others.slice(0, at), tab, ...others.slice(at)] };
}

export function activeTab(state: Tabs): QueryTab {
  const tab = state.tabs.find((each) => each.id === state.activeId) ?? state.tabs[0];
  return tab ?? newTab(state.activeId);
}
