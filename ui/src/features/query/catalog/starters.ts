/** First statements for a table, written from its own columns. */

import type { CatalogTable } from '../../../api/types';
import { quoteName } from '../../../lib/sqlText';
import { writtenName } from './CatalogTree';

export type Starter = { title: string; sql: string };

/** The newest rows of a table. */
export function newestRows(table: CatalogTable): Starter {
  const name = writtenName(table);
  const order = table.kind === 'stream' ? '\nORDER BY _time DESC' : '';
  return { title: `Newest rows of ${table.name}`, sql: `-- Newest rows of ${table.name}\nSELECT *\nFROM ${name}${order}\nLIMIT 100;\n` };
}

/** What can be asked of a stream at once: its newest rows, its rate, and its largest groups. */
export function startersFor(table: CatalogTable): Starter[] {
  const name = writtenName(table);
  const starters = [newestRows(table)];
  const time = table.columns.find((column) => /^timestamp/i.test(column.type) && !column.hidden);
  if (time !== undefined) {
    const at = quoteName(time.name);
    starters.push({
      title: `Events each minute of ${table.name}`,
      sql: `-- Events each minute of ${table.name}\nSELECT date_trunc('minute', ${at}) AS minute,\n       count(*) AS events\nFROM ${name}\nWHERE ${at} > now() - INTERVAL '15 minutes'\nGROUP BY 1\nORDER BY 1;\n`,
    });
  }
  const group = table.columns.find((column) => /^(text|utf8|varchar)/i.test(column.type) && !column.hidden && !/(^|_)(id|uuid|key)$/i.test(column.name));
  if (group !== undefined) {
    const column = quoteName(group.name);
    starters.push({
      title: `Most frequent ${group.name}`,
      sql: `-- Most frequent ${group.name}\nSELECT ${column}, count(*) AS events\nFROM ${name}\nGROUP BY 1\nORDER BY 2 DESC\nLIMIT 20;\n`,
    });
  }
  return starters;
}
