import { clsx } from 'clsx';
import { ChartLine, ListTree, MessageSquareText, Table2 } from 'lucide-react';
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { formatDuration } from '../../../lib/format';
import { TabPanel, Tabs } from '../../../ui/Tabs';
import type { Problem } from '../editor/problem';
import type { Run } from '../run/run';
import type { ResultView } from '../tabs/tab';
import { tabs } from '../tabs/tabStore';
import type { Console } from '../useConsole';
import { MessagesView } from './MessagesView';
import { ResultGrid } from './ResultGrid';
import { RunFailure } from './RunFailure';
import { statusLine } from './statusLine';
import { SLOW_AFTER_MS, WhySlow } from './WhySlow';

const ChartView = lazy(() => import('./ChartView'));
const NoRows = lazy(() => import('./NoRows'));
const PlanView = lazy(() => import('./PlanView'));

const VIEWS = [
  { value: 'table', name: 'Table', icon: Table2 },
  { value: 'chart', name: 'Chart', icon: ChartLine },
  { value: 'plan', name: 'Plan', icon: ListTree },
  { value: 'messages', name: 'Messages', icon: MessageSquareText },
] as const;

type Props = { console: Console; onFix: (problem: Problem) => void; actions: ReactNode; starters: ReactNode };

/** What came of the statement: rows, chart, plan and messages, with the line that says what they cost and how fresh they are. */
export function ResultArea({ console, onFix, actions, starters }: Props) {
  const { tab, runs } = console;
  return (
    <div id="query-result" className="flex min-h-0 flex-1 flex-col">
      <div className="flex items-end gap-x-1 border-b border-line bg-canvas pr-2 pl-1">
        <div className="-mb-px min-w-0">
          <Tabs
            label="Views of the result"
            idPrefix="result"
            value={tab.view}
            onChange={(view: ResultView) => tabs.change(tab.id, { view })}
            tabs={VIEWS.map(({ value, name, icon: Icon }) => ({
              value,
              label: (
                <>
                  <Icon size={13} aria-hidden className="max-sm:hidden" />
                  {name}
                </>
              ),
            }))}
          />
        </div>
        <div className="ml-auto flex shrink-0 items-center gap-1 self-center py-0.5">{actions}</div>
      </div>
      {runs !== undefined && <Progress run={runs.newest} />}
      {runs?.newest.phase === 'running' && console.explained !== null && <SlowReasons run={runs.newest} console={console} />}
      <TabPanel idPrefix="result" value={tab.view} className="flex min-h-0 flex-1 flex-col">
        <Suspense>
          <View console={console} onFix={onFix} starters={starters} />
        </Suspense>
      </TabPanel>
      {runs !== undefined && <Line run={runs.newest} />}
    </div>
  );
}

function View({ console, onFix, starters }: Omit<Props, 'actions'>) {
  const { tab, runs } = console;
  if (tab.view === 'plan') return <PlanView what={console.explained} />;
  if (tab.view === 'messages') return <MessagesView log={runs?.log ?? []} />;
  if (runs === undefined) return <>{starters}</>;
  const { newest, shown, before } = runs;
  const failure = newest.phase === 'failed' && (
    <RunFailure run={newest} problem={console.problem} onFix={onFix} onRetry={() => void console.runAgain({ isLive: false })} />
  );
  if (shown.nColumns === 0 || (shown.nRows === 0 && shown.phase !== 'finished')) return failure || <NoRows run={shown} />;
  const isOld = shown.id !== newest.id;
  return (
    <>
      {failure}
      <div className={clsx('flex min-h-0 flex-1 flex-col', isOld && 'grayscale')} aria-busy={isOld}>
        {isOld && !newest.isLive && <p className="border-b border-line bg-sunken px-3 py-1 text-xs text-text-2">Still the rows of the statement before; the new ones take their place as they come.</p>}
        {shown.nRows === 0 && <NoRows run={shown} />}
        {tab.view === 'chart' && shown.nRows > 0 ? (
          <ChartView table={shown.table} nRows={shown.nRows} chosen={tab.chart} onChoose={(chart) => tabs.change(tab.id, { chart })} />
        ) : (
          <ResultGrid
            // Sorting and selection belong to one statement's columns, and stay while it is run again.
            key={shown.table.columns.map((column) => column.name).join('\n')}
            table={shown.table}
            nRows={shown.nRows}
            nColumns={shown.nColumns}
            isGrowing={shown.phase === 'running'}
            before={before}
          />
        )}
      </div>
    </>
  );
}

/** A thin moving line while something runs; it keeps its place when nothing does. */
function Progress({ run }: { run: Run }) {
  return <div aria-hidden className={clsx('h-0.5 shrink-0', run.phase === 'running' && !run.isLive && 'skeleton !bg-accent')} />;
}

function Line({ run }: { run: Run }) {
  const isRunning = run.phase === 'running';
  const elapsed = useElapsed(isRunning && !run.isLive ? run.startedAt : null);
  if (isRunning && run.isLive) return <p className="h-8 shrink-0 border-t border-line bg-canvas px-3 text-xs leading-8 text-text-3">Looking for new data…</p>;
  return (
    <p role="status" className={clsx('num min-h-8 shrink-0 border-t border-line bg-canvas px-3 py-1.5 text-xs', run.phase === 'failed' ? 'text-crit' : 'text-text-2')}>
      {statusLine(run)}
      {isRunning && <span aria-hidden> · {formatDuration(elapsed)}</span>}
      {run.isPartial && <span className="text-text-3"> · Export has all of them</span>}
      {run.isRestored && <span className="text-text-3"> · from your last visit, run it again for newer data</span>}
    </p>
  );
}

function SlowReasons({ run, console }: { run: Run; console: Console }) {
  const elapsed = useElapsed(run.startedAt);
  if (elapsed < SLOW_AFTER_MS || run.isLive || console.explained === null) return null;
  return <WhySlow what={{ ...console.explained, sql: run.sql }} />;
}

/** Milliseconds since a time, ten times a second; 0 where there is none. */
function useElapsed(since: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (since === null) return;
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, [since]);
  return since === null ? 0 : Math.max(0, now - since);
}
