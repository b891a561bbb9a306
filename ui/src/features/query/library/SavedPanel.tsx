import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { SavedQuery } from '../../../api/types';
import { Empty, Failure } from '../../../ui/Empty';
import { Input } from '../../../ui/Field';
import { Skeleton } from '../../../ui/Skeleton';
import { toast } from '../../../ui/Toast';
import { tabs } from '../tabs/tabStore';
import { useDeleteSaved, useSave, useSavedQueries } from './saved';

/** Saved queries in their folders. */
export default function SavedPanel({ onOpen }: { onOpen: (query: SavedQuery) => void }) {
  const saved = useSavedQueries();
  const remove = useDeleteSaved();
  const restore = useSave();
  const [words, setWords] = useState('');
  if (saved.isError) return <Failure error={saved.error} doing="reading saved queries" onRetry={() => void saved.refetch()} />;
  if (saved.data === undefined) return <Skeleton label="Reading saved queries" rows={6} />;
  if (saved.data.length === 0) return <Empty title="Nothing saved yet">Save a statement with Ctrl S. It stays on the server, with its parameters and chart, for everyone who may ask.</Empty>;
  const wanted = words.trim().toLowerCase();
  const found = saved.data.filter((query) => `${query.folder} ${query.title} ${query.sql}`.toLowerCase().includes(wanted));
  const folders = [...new Set(found.map((query) => query.folder))].toSorted();
  const forget = (query: SavedQuery) =>
    remove.mutate(query.id, {
      onSuccess: () => {
        const { id: _id, updated_at: _updated, ...content } = query;
        // A tab that shows it becomes an unsaved one: there is nothing left to overwrite.
        for (const tab of tabs.now().tabs) if (tab.savedId === query.id) tabs.change(tab.id, { savedId: null });
        toast(`Deleted ${query.title}`, 'ok', { label: 'Undo', run: () => restore.mutate({ id: null, query: content }) });
      },
      onError: (error) => toast(`Cannot delete ${query.title}: ${error.message}`, 'crit'),
    });
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="p-2">
        <Input type="search" aria-label="Filter saved queries" placeholder="Filter" value={words} onChange={(event) => setWords(event.target.value)} />
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-2 pb-3">
        {found.length === 0 && <p className="px-1 py-2 text-xs text-text-3">Nothing saved matches “{words}”.</p>}
        {folders.map((folder) => (
          <section key={folder} aria-label={folder === '' ? 'No folder' : folder}>
            {folder !== '' && <h2 className="px-1 pt-1 pb-0.5 text-xs font-semibold text-text-3">{folder}</h2>}
            <ul>
              {found
                .filter((query) => query.folder === folder)
                .map((query) => (
                  <li key={query.id} className="flex items-center rounded-md hover:bg-sunken">
                    <button type="button" onClick={() => onOpen(query)} title={query.sql} className="isolate-text min-h-7 min-w-0 flex-1 truncate px-1 text-left text-xs pointer-coarse:min-h-11">
                      {query.title}
                    </button>
                    <button
                      type="button"
                      aria-label={`Delete ${query.title}`}
                      onClick={() => forget(query)}
                      className="grid size-7 shrink-0 place-items-center rounded-md text-text-3 hover:text-crit pointer-coarse:size-11"
                    >
                      <Trash2 size={12} aria-hidden />
                    </button>
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </div>
    </div>
  );
}
