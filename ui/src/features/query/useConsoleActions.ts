/** What the menus and keys of the console do, beyond running. */

import { useState, type RefObject } from 'react';
import { copyText } from '../../lib/clipboard';
import { parametersToSend } from '../../lib/parameters';
import { toast } from '../../ui/Toast';
import type { EditorHandle } from './editor/SqlEditor';
import { formatSql } from './editor/formatSql';
import { useSave } from './library/saved';
import { COPY_ROWS_MAX, curlFor, exportResult, type ExportFormat } from './share/exportResult';
import { addressOf, shortLink } from './share/shareLinks';
import { titleOf } from './tabs/tab';
import { tabs } from './tabs/tabStore';
import type { Console } from './useConsole';

/** A save that waits for a name; with an id, it will overwrite. */
export type Naming = { id: string | null };

export function useConsoleActions(console: Console, editor: RefObject<EditorHandle | null>) {
  const { tab } = console;
  const save = useSave();
  const [naming, setNaming] = useState<Naming | null>(null);
  const title = titleOf(tab, Math.max(0, tabs.now().tabs.findIndex((each) => each.id === tab.id)));
  const params = (sql: string) => parametersToSend(sql, tab.params, console.parameters.types);

  const saveAs = async (id: string | null, name: string, folder: string) => {
    setNaming(null);
    try {
      const saved = await save.mutateAsync({ id, query: { title: name, folder, sql: tab.sql, params: tab.params, chart: tab.chart } });
      tabs.change(tab.id, { savedId: saved?.id ?? id, title: name, isNamed: true, folder });
      toast(`Saved ${name}`);
    } catch (error) {
      report(error, `save ${name}`);
    }
  };

  return {
    title,
    naming,
    saveAs,
    stopNaming: () => setNaming(null),
    run: async () => {
      if (console.target !== null) editor.current?.flash(console.target);
      await console.run();
    },
    /** Overwrites what the tab shows; asks for a name only where there is none yet. */
    save: () => {
      if (tab.savedId === null) setNaming({ id: null });
      else void saveAs(tab.savedId, title, tab.folder);
    },
    saveAsNew: () => setNaming({ id: null }),
    format: async () => {
      const formatted = await formatSql(tab.sql);
      if (formatted === null) toast('The text cannot be read as SQL, so it was left alone', 'warn');
      else tabs.change(tab.id, { sql: formatted });
    },
    copyShortLink: () => void copy(() => shortLink(tab), 'a short link'),
    copyLink: () => void copy(async () => location.origin + (await addressOf(tab)), 'a link'),
    copyCurl: () => {
      const sql = console.target?.text;
      if (sql !== undefined) void copy(async () => curlFor(location.origin, sql, params(sql)), 'the request as curl');
    },
    copyPython: () => {
      const sql = console.target?.text;
      if (sql !== undefined) void copy(async () => (await copyAs()).pythonFor(location.origin, sql, params(sql)), 'the request as Python');
    },
    copyRows: (as: 'markdown' | 'insert') => {
      const shown = console.runs?.shown;
      if (shown === undefined) return;
      const text = async () => {
        const { markdownOf, insertsOf } = await copyAs();
        return (as === 'markdown' ? markdownOf : insertsOf)(shown.table, shown.nRows);
      };
      const form = as === 'markdown' ? 'Markdown' : 'INSERT';
      void copy(text, shown.nRows > COPY_ROWS_MAX ? `the first ${COPY_ROWS_MAX} rows as ${form}; Export has all` : `the rows as ${form}`);
    },
    exportAs: (format: ExportFormat) => {
      const sql = console.runs?.newest.sql;
      if (sql !== undefined) exportResult(sql, params(sql), format, title).catch((error: unknown) => report(error, 'export the result'));
    },
    closeTab: () => tabs.close(tab.id),
    reopenTab: () => tabs.reopen(),
  };
}

/** Few copy rows as text; those who do can wait for it. */
const copyAs = () => import('./share/copyAs');

export type ConsoleActions = ReturnType<typeof useConsoleActions>;

async function copy(text: () => Promise<string>, what: string): Promise<void> {
  try {
    const isCopied = await copyText(await text());
    if (isCopied) toast(`Copied ${what}`);
    else toast('The browser refused to copy', 'warn');
  } catch (error) {
    report(error, `copy ${what}`);
  }
}

function report(error: unknown, doing: string): void {
  toast(`Cannot ${doing}: ${error instanceof Error ? error.message : String(error)}`, 'crit');
}
