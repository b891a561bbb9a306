import { clsx } from 'clsx';
import { Plus, X } from 'lucide-react';
import { useEffect, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';
import { IconButton } from '../../../ui/Button';
import { titleOf, type QueryTab, type Tabs } from './tab';
import { tabs } from './tabStore';

const TYPE = 'application/x-helios-tab';

/** The tabs of the console. They can be renamed with a double click, and moved by dragging or with Shift and an arrow. */
export function TabBar({ state, panelId }: { state: Tabs; panelId: string }) {
  const list = useRef<HTMLDivElement>(null);
  const focus = (id: string) => requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-tab="${id}"] [role=tab]`)?.focus());
  useEffect(() => {
    list.current?.querySelector(`[data-tab="${state.activeId}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [state.activeId]);
  const press = (event: KeyboardEvent, index: number) => {
    const tab = state.tabs[index];
    if (tab === undefined) return;
    const steps: Record<string, number> = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: state.tabs.length - 1 };
    const to = steps[event.key];
    if (event.key === 'Delete') {
      event.preventDefault();
      tabs.close(tab.id);
      return focus(tabs.now().activeId);
    }
    if (to === undefined) return;
    event.preventDefault();
    if (event.shiftKey) tabs.move(tab.id, to);
    else tabs.activate(state.tabs[(to + state.tabs.length) % state.tabs.length]?.id ?? tab.id);
    focus(tabs.now().activeId);
  };
  return (
    <div className="flex h-full min-w-0 flex-1 items-center">
      <div ref={list} role="tablist" aria-label="Query tabs" className="flex h-full min-w-0 overflow-x-auto">
        {state.tabs.map((tab, index) => (
          <TabHandle key={tab.id} tab={tab} index={index} isActive={tab.id === state.activeId} panelId={panelId} onKeyDown={(event) => press(event, index)} />
        ))}
      </div>
      <IconButton label="New query tab (Alt T)" onClick={() => tabs.open()}>
        <Plus size={14} aria-hidden />
      </IconButton>
    </div>
  );
}

type HandleProps = { tab: QueryTab; index: number; isActive: boolean; panelId: string; onKeyDown: (event: KeyboardEvent) => void };

function TabHandle({ tab, index, isActive, panelId, onKeyDown }: HandleProps) {
  const [isRenaming, setRenaming] = useState(false);
  const title = titleOf(tab, index);
  const drop = (event: DragEvent) => {
    const id = event.dataTransfer.getData(TYPE);
    if (id === '') return;
    event.preventDefault();
    tabs.move(id, index);
  };
  const rename = (text: string) => {
    setRenaming(false);
    tabs.change(tab.id, { title: text.trim(), isNamed: text.trim() !== '' });
  };
  if (isRenaming) {
    return (
      <input
        aria-label="Name of this tab"
        autoFocus
        defaultValue={title}
        onBlur={(event) => rename(event.target.value)}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Enter') rename(event.currentTarget.value);
          if (event.key === 'Escape') setRenaming(false);
        }}
        className="my-1 w-44 rounded-md border border-control bg-surface px-2 text-xs text-text"
      />
    );
  }
  return (
    <div
      data-tab={tab.id}
      role="presentation"
      draggable
      onDragStart={(event) => event.dataTransfer.setData(TYPE, tab.id)}
      onDragOver={(event) => event.dataTransfer.types.includes(TYPE) && event.preventDefault()}
      onDrop={drop}
      onAuxClick={(event) => event.button === 1 && tabs.close(tab.id)}
      className={clsx('flex shrink-0 items-center border-r border-line', isActive ? 'bg-surface shadow-[inset_0_2px_0_var(--accent)]' : 'hover:bg-sunken')}
    >
      <button
        type="button"
        role="tab"
        id={`query-tab-${tab.id}`}
        aria-selected={isActive}
        aria-controls={isActive ? panelId : undefined}
        tabIndex={isActive ? 0 : -1}
        title={`${title}. Double click renames.`}
        onClick={() => tabs.activate(tab.id)}
        onDoubleClick={() => setRenaming(true)}
        onKeyDown={(event) => {
          if (event.key === 'F2') setRenaming(true);
          else onKeyDown(event);
        }}
        className={clsx('isolate-text h-full max-w-52 truncate pr-1 pl-3 text-xs -outline-offset-2', isActive ? 'font-medium text-text' : 'text-text-2')}
      >
        {title}
      </button>
      {/* Not a tab stop: the Delete key closes the tab that has the focus. */}
      <span
        role="presentation"
        title={`Close ${title}`}
        onClick={() => tabs.close(tab.id)}
        className="mr-1 grid size-6 cursor-pointer place-items-center rounded-md text-text-3 hover:bg-line hover:text-text"
      >
        <X size={12} aria-hidden />
      </span>
    </div>
  );
}
