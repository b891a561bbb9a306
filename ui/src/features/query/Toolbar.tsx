import { Download, Ellipsis, PanelLeft, Play, Radio, Save, Share2, Square } from 'lucide-react';
import { formatCount } from '../../lib/format';
import { looksReadOnly, runLabel } from '../../lib/statement';
import { Button, IconButton } from '../../ui/Button';
import { Kbd } from '../../ui/Kbd';
import { Menu, type MenuItem } from '../../ui/Menu';
import { usePlan } from './result/explain';
import { EXPORT_FORMATS, type ExportFormat } from './share/exportResult';
import type { Console } from './useConsole';
import type { ConsoleActions } from './useConsoleActions';

/** Beside the tabs: what is done with the statement. */
export function Toolbar({ console, actions, onCatalogue }: { console: Console; actions: ConsoleActions; onCatalogue: () => void }) {
  const more: MenuItem[] = [
    { label: 'Save', onSelect: actions.save },
    { label: 'Save as new…', onSelect: actions.saveAsNew },
    { label: 'Lay out (Shift Alt F)', onSelect: () => void actions.format() },
    { label: 'Run all statements', onSelect: () => void console.runAll() },
    { label: 'Copy short link', onSelect: actions.copyShortLink },
    { label: 'Copy link with the statement in it', onSelect: actions.copyLink },
    { label: 'Copy as curl', onSelect: actions.copyCurl },
    { label: 'Copy as Python', onSelect: actions.copyPython },
    { label: 'Close tab', onSelect: actions.closeTab },
    { label: 'Reopen closed tab', onSelect: actions.reopenTab },
  ];
  return (
    <div className="flex shrink-0 items-center gap-1">
      <IconButton label="Tables, saved queries and history" className="lg:hidden" onClick={onCatalogue}>
        <PanelLeft size={15} aria-hidden />
      </IconButton>
      <Button className="max-lg:hidden" onClick={actions.save} title="Save (Ctrl S)">
        <Save size={14} aria-hidden />
        Save
      </Button>
      <Button className="max-lg:hidden" onClick={actions.copyShortLink} title="Copy a short link to this statement">
        <Share2 size={14} aria-hidden />
        Share
      </Button>
      <Menu label="More actions" items={more}>
        <Ellipsis size={15} aria-hidden />
      </Menu>
      <RunButton console={console} onRun={() => void actions.run()} />
    </div>
  );
}

function RunButton({ console, onRun }: { console: Console; onRun: () => void }) {
  const { target, isRunning, runs } = console;
  if (isRunning && runs?.newest.isLive === false) {
    return (
      <Button kind="outline" onClick={console.cancel}>
        <Square size={13} aria-hidden />
        Cancel <Kbd keys="escape" />
      </Button>
    );
  }
  return (
    <Button kind="primary" disabled={target === null} onClick={onRun} title={target === null ? 'There is no statement to run' : 'Ctrl Enter'}>
      <Play size={13} aria-hidden />
      <span className="max-sm:hidden">{runLabel(target)}</span>
      <span className="sm:hidden">{target?.kind === 'selection' ? 'Selection' : 'Run'}</span>
    </Button>
  );
}

/** "Reads about 48 k rows", before anything is run. */
export function EstimateChip({ console }: { console: Console }) {
  const isSound = console.check !== null && console.check.error === null;
  const plan = usePlan(isSound ? console.explained : null, false);
  const rows = plan.data?.estimate?.rows ?? null;
  if (!isSound || rows === null) return null;
  return <span className="num text-xs text-text-3 max-md:hidden">reads about {formatCount(rows)} rows</span>;
}

type ResultActionsProps = { console: Console; isLive: boolean; onLive: (isLive: boolean) => void; onExport: (format: ExportFormat) => void; onCopy: (as: 'markdown' | 'insert') => void };

/** Above the result: live, and the whole of it as a file. */
export function ResultActions({ console, isLive, onLive, onExport, onCopy }: ResultActionsProps) {
  const last = console.runs?.newest;
  const canRepeat = last !== undefined && last.phase !== 'failed' && looksReadOnly(last.sql);
  return (
    <>
      <Button
        aria-pressed={isLive}
        disabled={!canRepeat}
        onClick={() => onLive(!isLive)}
        className={isLive ? 'bg-accent-tint text-accent' : undefined}
        title="Runs the statement again as data arrives; cells that changed flash"
      >
        {isLive ? <span aria-hidden className="live-dot" /> : <Radio size={14} aria-hidden />}
        <span className="max-sm:sr-only">Live</span>
      </Button>
      {canRepeat && (
        <Menu
          label="Export the whole result"
          items={[
            ...EXPORT_FORMATS.map(([format, label]) => ({ label, onSelect: () => onExport(format) })),
            { label: 'Copy the rows as Markdown', onSelect: () => onCopy('markdown') },
            { label: 'Copy the rows as INSERT', onSelect: () => onCopy('insert') },
          ]}
        >
          <Download size={14} aria-hidden />
          <span className="max-sm:hidden">Export</span>
        </Menu>
      )}
    </>
  );
}
