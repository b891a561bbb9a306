import { lazy, Suspense, useState } from 'react';
import type { CatalogTable, SavedQuery } from '../../api/types';
import { TabPanel, Tabs } from '../../ui/Tabs';
import { CatalogTree } from './catalog/CatalogTree';

// Tables are what most people look at; the others come when they are asked for.
const HistoryPanel = lazy(() => import('./library/HistoryPanel'));
const SavedPanel = lazy(() => import('./library/SavedPanel'));

type Part = 'tables' | 'saved' | 'history';

export type SidebarActions = {
  onInsert: (text: string) => void;
  onShow: (table: CatalogTable) => void;
  onOpenSaved: (query: SavedQuery) => void;
  onOpenSql: (sql: string) => void;
};

/** What one can start from: tables, saved queries, and what was run before. */
export function Sidebar({ onInsert, onShow, onOpenSaved, onOpenSql, idPrefix }: SidebarActions & { idPrefix: string }) {
  const [part, setPart] = useState<Part>('tables');
  return (
    <>
      <Tabs
        label="Catalogue"
        idPrefix={idPrefix}
        value={part}
        onChange={setPart}
        tabs={[
          { value: 'tables', label: 'Tables' },
          { value: 'saved', label: 'Saved' },
          { value: 'history', label: 'History' },
        ]}
      />
      <TabPanel idPrefix={idPrefix} value={part} className="flex min-h-0 flex-1 flex-col">
        {part === 'tables' && <CatalogTree onInsert={onInsert} onShow={onShow} />}
        <Suspense>
          {part === 'saved' && <SavedPanel onOpen={onOpenSaved} />}
          {part === 'history' && <HistoryPanel onOpen={onOpenSql} />}
        </Suspense>
      </TabPanel>
    </>
  );
}
