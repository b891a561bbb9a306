/** Tabs and their last results in IndexedDB, which outlives reloads, crashes and closed windows. */

import type { QueryTab } from './tab';

/** What is kept of an answer: the messages of its Arrow stream and what was known about it. */
export type KeptResult = {
  id: string;
  sql: string;
  startedAt: number;
  elapsedMs: number;
  freshnessMs: number | null;
  isPartial: boolean;
  messages: Uint8Array<ArrayBuffer>[];
};

export type KeptTabs = { tabs: QueryTab[]; activeId: string | null };

type TabRecord = QueryTab & { position: number };

const NAME = 'helios-query';
const VERSION = 1;

let opening: Promise<IDBDatabase | null> | null = null;

/** Null where the browser has no storage to give (private windows, full disks): the console then works without memory. */
function database(): Promise<IDBDatabase | null> {
  opening ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open(NAME, VERSION);
      request.onupgradeneeded = () => {
        request.result.createObjectStore('tabs', { keyPath: 'id' });
        request.result.createObjectStore('results');
        request.result.createObjectStore('state');
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
      request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opening;
}

type Stores = Record<'tabs' | 'results' | 'state', IDBObjectStore>;

/** Runs one transaction; its failure loses memory, never work in progress, and is therefore only reported as `null`. */
async function transact<T>(mode: IDBTransactionMode, work: (stores: Stores) => IDBRequest<T> | null): Promise<T | null> {
  const open = await database();
  if (open === null) return null;
  return new Promise((resolve) => {
    try {
      const transaction = open.transaction(['tabs', 'results', 'state'], mode);
      const store = (name: keyof Stores) => transaction.objectStore(name);
      const request = work({ tabs: store('tabs'), results: store('results'), state: store('state') });
      transaction.oncomplete = () => resolve(request?.result ?? null);
      transaction.onabort = () => resolve(null);
      transaction.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

export async function readTabs(): Promise<KeptTabs> {
  const records = (await transact('readonly', ({ tabs }) => tabs.getAll() as IDBRequest<TabRecord[]>)) ?? [];
  const activeId = await transact('readonly', ({ state }) => state.get('active') as IDBRequest<string | undefined>);
  const tabs = records.toSorted((a, b) => a.position - b.position).map(({ position: _position, ...tab }) => tab);
  return { tabs, activeId: activeId ?? null };
}

/** Writes what changed. Each tab is a record of its own, so that two windows do not overwrite each other's tabs. */
export async function writeTabs(written: { tab: QueryTab; position: number }[], removed: string[], activeId: string): Promise<void> {
  await transact('readwrite', ({ tabs, results, state }) => {
    for (const { tab, position } of written) tabs.put({ ...tab, position } satisfies TabRecord);
    for (const id of removed) {
      tabs.delete(id);
      results.delete(id);
    }
    state.put(activeId, 'active');
    return null;
  });
}

/** Keeps a tab's last answer, or forgets it where it is too large to be kept. */
export async function keepResult(tab: string, result: KeptResult | null): Promise<void> {
  await transact('readwrite', ({ results }) => {
    if (result === null) results.delete(tab);
    else results.put(result, tab);
    return null;
  });
}

export function readResult(tab: string): Promise<KeptResult | null> {
  return transact('readonly', ({ results }) => results.get(tab) as IDBRequest<KeptResult>);
}
