/** The last answer of an earlier visit, shown again until the statement is run anew. */

import { ResultTable } from '../../../lib/resultTable';
import { ArrowSplitter } from '../../../lib/arrow';
import { readResult } from '../tabs/tabDatabase';
import { ROWS_MAX } from './limits';
import { restoreRun, runsOf } from './runs';

export async function restoreLastResult(tab: string): Promise<void> {
  if (runsOf(tab) !== undefined) return;
  const kept = await readResult(tab);
  if (kept === null || runsOf(tab) !== undefined) return;
  const table = new ResultTable();
  const splitter = new ArrowSplitter();
  for (const bytes of kept.messages) for (const message of splitter.push(bytes)) table.add(message);
  const { messages: _messages, ...about } = kept;
  restoreRun(tab, {
    ...about,
    params: undefined,
    from: 0,
    phase: 'finished',
    table,
    nRows: Math.min(table.nRows, ROWS_MAX),
    nColumns: table.columns.length,
    progress: { rowsRead: null, bytesRead: null },
    error: null,
    isRestored: true,
    isLive: false,
  });
}
