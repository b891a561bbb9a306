import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useTitle } from '../../lib/a11y';
import { Dialog } from '../../ui/Dialog';
import { Failure } from '../../ui/Empty';
import { Skeleton } from '../../ui/Skeleton';
import { Splitter } from '../../ui/Splitter';
import { newestRows } from './catalog/starters';
import { useVocabulary } from './catalog/useCatalog';
import { SqlEditor, type EditorHandle } from './editor/SqlEditor';
import { ParameterBar } from './ParameterBar';
import { ResultArea } from './result/ResultArea';
import { restoreLastResult } from './run/restore';
import { useStartRun } from './run/useStartRun';
import { Sidebar, type SidebarActions } from './Sidebar';
import { Starters } from './Starters';
import { activeTab, type Tabs } from './tabs/tab';
import { TabBar } from './tabs/TabBar';
import { loadTabs, tabs, useTabs } from './tabs/tabStore';
import { EstimateChip, ResultActions, Toolbar } from './Toolbar';
import { openSaved, useAddress } from './useAddress';
import { openStatement, useConsole } from './useConsole';
import { useConsoleActions } from './useConsoleActions';
import { useConsoleKeys } from './useConsoleKeys';
import { useLiveRuns } from './useLiveRuns';
import { useStoredNumber } from './useStoredNumber';

const SaveDialog = lazy(() => import('./library/SaveDialog'));

/** The SQL console. */
export default function QueryPage() {
  useTitle('Query');
  const state = useTabs();
  useEffect(() => void loadTabs(), []);
  const openAndRun = useOpenAndRun();
  const { failure } = useAddress(state, openAndRun);
  if (state === null) return <Skeleton label="Opening your tabs" rows={10} />;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <h1 className="sr-only">Query</h1>
      {failure !== null && <Failure error={failure} doing="opening the link" />}
      <ConsoleView state={state} openAndRun={openAndRun} />
    </div>
  );
}

function useOpenAndRun(): (sql: string) => void {
  const start = useStartRun();
  return (sql) => {
    const opened = openStatement(sql);
    if (opened !== null) void start(opened.id, opened);
  };
}

function ConsoleView({ state, openAndRun }: { state: Tabs; openAndRun: (sql: string) => void }) {
  const tab = activeTab(state);
  const console = useConsole(tab);
  const editor = useRef<EditorHandle>(null);
  const actions = useConsoleActions(console, editor);
  const vocabulary = useVocabulary();
  const [liveTab, setLiveTab] = useState<string | null>(null);
  const [height, setHeight] = useStoredNumber('editor-height', innerWidth < 768 ? 168 : 236);
  const [isCatalogueShown, setCatalogueShown] = useState(true);
  const [isDialogOpen, setDialogOpen] = useState(false);
  const isLive = liveTab === tab.id;
  useLiveRuns(console, isLive, () => setLiveTab(null));
  useEffect(() => void restoreLastResult(tab.id), [tab.id]);
  useConsoleKeys({
    ...actions,
    newTab: () => tabs.open(),
    toTab: (index) => tabs.activate(state.tabs[index]?.id ?? tab.id),
    toEditor: () => editor.current?.focus(),
    toResult: () => document.querySelector<HTMLElement>('#query-result [role=grid]')?.focus(),
    toggleChart: () => tabs.change(tab.id, { view: tab.view === 'chart' ? 'table' : 'chart' }),
    toggleCatalogue: () => setCatalogueShown(!isCatalogueShown),
    cancel: console.cancel,
  });
  /** Whatever is chosen in the catalogue, the dialog it may stand in has done its work. */
  const closing = <T,>(act: (value: T) => void) => (value: T) => {
    setDialogOpen(false);
    act(value);
  };
  const sidebar: SidebarActions = {
    onInsert: closing((text) => editor.current?.insert(text)),
    onShow: closing((table) => openAndRun(newestRows(table).sql)),
    onOpenSaved: closing((query) => void openSaved(query.id, { params: {} })),
    onOpenSql: closing((sql) => openStatement(sql)),
  };
  return (
    <div className="flex min-h-0 flex-1">
      {isCatalogueShown && <Catalogue actions={sidebar} />}
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex min-h-10 items-center gap-2 border-b border-line bg-canvas pr-2">
          <TabBar state={state} panelId="query-editor" />
          <EstimateChip console={console} />
          <Toolbar console={console} actions={actions} onCatalogue={() => setDialogOpen(true)} />
        </div>
        <section id="query-editor" role="tabpanel" aria-labelledby={`query-tab-${tab.id}`} className="flex shrink-0 flex-col bg-surface" style={{ height }}>
          <SqlEditor
            ref={editor}
            id={tab.id}
            text={tab}
            onChange={(text) => tabs.change(tab.id, text)}
            actions={{ run: () => void actions.run(), runAll: () => void console.runAll(), save: actions.save, format: () => void actions.format(), cancel: console.cancel }}
            vocabulary={vocabulary}
            problem={console.problem}
          />
          <ParameterBar
            {...console.parameters}
            values={tab.params}
            onChange={(name, value) => tabs.change(tab.id, { params: { ...tab.params, [name]: value } })}
            onRun={() => void actions.run()}
          />
        </section>
        <Splitter value={height} onChange={setHeight} min={96} max={640} label="Height of the editor" />
        <ResultArea
          console={console}
          onFix={({ fix }) => fix !== null && editor.current?.replace(fix, fix.text)}
          actions={<ResultActions console={console} isLive={isLive} onLive={(on) => setLiveTab(on ? tab.id : null)} onExport={actions.exportAs} onCopy={actions.copyRows} />}
          starters={<Starters tables={vocabulary.catalog.tables} onStart={openAndRun} />}
        />
      </div>
      <Dialog open={isDialogOpen} title="Start from" onClose={() => setDialogOpen(false)}>
        <div className="-m-4 flex h-[70dvh] flex-col">
          <Sidebar {...sidebar} idPrefix="catalogue-dialog" />
        </div>
      </Dialog>
      {actions.naming !== null && (
        <Suspense>
          <SaveDialog
            open
            title={actions.title}
            folder={tab.folder}
            onClose={actions.stopNaming}
            onSave={(name, folder) => void actions.saveAs(actions.naming?.id ?? null, name, folder)}
          />
        </Suspense>
      )}
    </div>
  );
}

/** Beside the editor where there is room for it. */
function Catalogue({ actions }: { actions: SidebarActions }) {
  const [width, setWidth] = useStoredNumber('catalogue-width', 240);
  return (
    <>
      <aside aria-label="Catalogue" className="hidden shrink-0 flex-col bg-canvas lg:flex" style={{ width }}>
        <Sidebar {...actions} idPrefix="catalogue" />
      </aside>
      <div className="hidden lg:flex">
        <Splitter vertical value={width} onChange={setWidth} min={160} max={480} label="Width of the catalogue" />
      </div>
    </>
  );
}
