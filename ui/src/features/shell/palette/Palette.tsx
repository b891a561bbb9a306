import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { clsx } from 'clsx';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { request } from '../../../api/client';
import { usePulse } from '../../../api/metrics';
import type { SavedQuery } from '../../../api/types';
import { setPreference, shownTheme } from '../../../lib/preferences';
import { Kbd } from '../../../ui/Kbd';
import { PAGES } from '../pages';
import { matching, type Entry } from './matching';

type Props = { open: boolean; onClose: () => void; onShortcuts: () => void };

/** One box that goes anywhere and does anything. A native dialog: top layer, inert page and Escape for free. */
export function Palette({ open, onClose, onShortcuts }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open === open) return;
    if (open) element.showModal();
    else element.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-label="Search and act"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
      className="mx-auto mt-[12vh] w-[min(94vw,560px)] overflow-hidden rounded-lg border border-line-strong bg-raised p-0 shadow-pop backdrop:bg-[rgb(0_0_0/0.4)]"
    >
      {open && <Box onClose={onClose} onShortcuts={onShortcuts} />}
    </dialog>
  );
}

function Box({ onClose, onShortcuts }: Omit<Props, 'open'>) {
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const entries = useEntries(onShortcuts);
  const found = useMemo(() => matching(entries, typed), [entries, typed]);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const press = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: chosen + 1, ArrowUp: chosen - 1 };
    const next = steps[event.key];
    if (event.key === 'Enter') {
      event.preventDefault();
      run(found[chosen]);
    }
    if (next === undefined || found.length === 0) return;
    event.preventDefault();
    const index = (next + found.length) % found.length;
    setChosen(index);
    list.current?.children[index]?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <>
      <input
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found[chosen] ? `palette-${chosen}` : undefined}
        aria-label="Search streams, queries, actions"
        autoFocus
        autoComplete="off"
        spellCheck={false}
        placeholder="Go to, open, do…"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={press}
        className="h-12 w-full border-b border-line bg-transparent px-4 text-base text-text outline-none placeholder:text-text-3"
      />
      <ul ref={list} id="palette-list" role="listbox" aria-label="Results" className="max-h-[min(56vh,420px)] overflow-auto p-1">
        {found.map((entry, index) => (
          <li
            key={entry.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => setChosen(index)}
            onClick={() => run(entry)}
            className={clsx('flex min-h-9 cursor-pointer items-center gap-3 rounded-md px-3 text-sm text-text', index === chosen && 'bg-accent-tint')}
          >
            <span className="isolate-text truncate">{entry.name}</span>
            <span className="ml-auto shrink-0 text-xs text-text-2">{entry.kind}</span>
            {entry.keys && <Kbd keys={entry.keys} />}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="px-4 pb-3 text-text-2">Nothing matches “{typed}”.</p>}
    </>
  );
}

/** Everything that can be reached from here. */
function useEntries(onShortcuts: () => void): Entry[] {
  const navigate = useNavigate();
  const { now } = usePulse();
  const names = (now?.streams ?? []).map((stream) => stream.name).join('\n');
  const saved = useQuery({
    queryKey: ['saved-queries'],
    queryFn: ({ signal }) => request<{ saved_queries?: SavedQuery[]; queries?: SavedQuery[] } | SavedQuery[]>('/api/v1/saved-queries', { signal }),
    staleTime: 30_000,
  });
  return useMemo(() => {
    const go = (to: string, search?: Record<string, string>) => () => void navigate({ to, search } as never);
    const listed = Array.isArray(saved.data) ? saved.data : (saved.data?.saved_queries ?? saved.data?.queries ?? []);
    return [
      ...PAGES.map(({ to, name, keys }) => ({ id: to, name, kind: 'page', keys, run: go(to) })),
      ...names
        .split('\n')
        .filter(Boolean)
        .flatMap((name) => [
          { id: `stream ${name}`, name, kind: 'stream', run: go(`/streams/${encodeURIComponent(name)}`) },
          { id: `tail ${name}`, name: `Tail ${name}`, kind: 'stream', run: go(`/streams/${encodeURIComponent(name)}`, { tab: 'tail' }) },
        ]),
      ...listed.map((query) => ({ id: `query ${query.id}`, name: query.title, kind: 'saved query', run: go(`/query/${encodeURIComponent(query.id)}`) })),
      { id: 'connect', name: 'Connect a stream', kind: 'action', run: go('/streams/new') },
      { id: 'theme', name: 'Switch between light and dark', kind: 'action', run: () => setPreference('theme', shownTheme() === 'dark' ? 'light' : 'dark') },
      { id: 'shortcuts', name: 'Show keyboard shortcuts', kind: 'action', keys: '?', run: onShortcuts },
    ];
  }, [navigate, names, saved.data, onShortcuts]);
}
