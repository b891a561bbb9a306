/** The tab in front: what stands in it, what is known about it, and what can be done with it. */

import { useMemo, useSyncExternalStore } from 'react';
import { parametersIn } from '../../lib/parameters';
import { runTarget, splitStatements, type Target } from '../../lib/statement';
import { problemOf, type Problem } from './editor/problem';
import { typesIn, useCheck, type Checked } from './editor/useCheck';
import type { Explained } from './result/explain';
import type { TabRuns } from './run/run';
import { cancelRun, runsOf, subscribeRuns } from './run/runs';
import { useStartRun } from './run/useStartRun';
import type { QueryTab } from './tabs/tab';
import { tabs } from './tabs/tabStore';

export type Console = {
  tab: QueryTab;
  runs: TabRuns | undefined;
  target: Target | null;
  check: Checked | null;
  problem: Problem | null;
  parameters: { names: readonly string[]; types: Readonly<Record<string, string | null>> };
  /** What a plan would be asked for; null where there is no statement. */
  explained: Explained | null;
  isRunning: boolean;
  run: () => Promise<void>;
  runAll: () => Promise<void>;
  runAgain: (options: { isLive: boolean }) => Promise<void>;
  /** Returns whether there was something to cancel. */
  cancel: () => boolean;
};

export function useConsole(tab: QueryTab): Console {
  const start = useStartRun();
  const runs = useSyncExternalStore(subscribeRuns, () => runsOf(tab.id));
  const target = useMemo(() => targetOf(tab), [tab]);
  const check = useCheck(target?.text ?? null);
  const names = useMemo(() => parametersIn(tab.sql), [tab.sql]);
  const types = useMemo(() => typesIn(check), [check]);
  const problem = useMemo(() => findProblem(tab, target, check, runs), [tab, target, check, runs]);
  const explained = useMemo(() => (target === null ? null : { sql: target.text, values: tab.params, types }), [target, tab.params, types]);
  return {
    tab,
    runs,
    target,
    check,
    problem,
    parameters: { names, types },
    explained,
    isRunning: runs?.newest.phase === 'running',
    run: async () => {
      if (target !== null) await start(tab.id, { sql: target.text, from: target.from });
    },
    runAll: async () => {
      for (const statement of splitStatements(tab.sql)) {
        const run = await start(tab.id, { sql: statement.text, from: statement.from });
        // What follows usually builds on what came before.
        if (run.phase !== 'finished') return;
      }
    },
    runAgain: async ({ isLive }) => {
      const last = runsOf(tab.id)?.newest;
      if (last !== undefined) await start(tab.id, { sql: last.sql, from: last.from, isLive });
    },
    cancel: () => {
      const newest = runsOf(tab.id)?.newest;
      if (newest?.phase === 'running') void cancelRun(tab.id);
      return newest?.phase === 'running';
    },
  };
}

export function targetOf(tab: QueryTab): Target | null {
  const { anchor, head } = tab.cursor;
  return runTarget(tab.sql, { from: Math.min(anchor, head), to: Math.max(anchor, head), head });
}

/** What is wrong, and where: what the last run said, as long as its statement still stands there; else what the check says. */
function findProblem(tab: QueryTab, target: Target | null, check: Checked | null, runs: TabRuns | undefined): Problem | null {
  const failed = runs?.newest;
  if (failed?.phase === 'failed' && failed.error !== null && tab.sql.slice(failed.from, failed.from + failed.sql.length) === failed.sql) {
    const found = problemOf(failed.error, failed.sql, failed.from);
    if (found !== null) return found;
  }
  return target !== null && check?.error ? problemOf(check.error, target.text, target.from) : null;
}

/** Opens a statement in a tab of its own, or goes to the tab that already holds it. */
export function openStatement(sql: string): { id: string; sql: string; from: number } | null {
  const same = tabs.now().tabs.find((tab) => tab.sql === sql);
  if (same !== undefined) tabs.activate(same.id);
  const id = same?.id ?? tabs.open({ sql, cursor: { anchor: 0, head: 0 } });
  const [first] = splitStatements(sql);
  return first === undefined ? null : { id, sql: first.text, from: first.from };
}
