/** The made-up shop: its name as a source, and a first question about it. */

import { quoteName } from './sqlText';

export const isDemo = (stream: { source: string }): boolean => stream.source.toLowerCase() === 'demo';

/** What happened in a stream, by the second, over the last five minutes. */
export function firstQuestion(stream: string, eventTime: string | null): string {
  const time = quoteName(eventTime ?? '_time');
  return [
    `-- How many events arrived each second of the last five minutes?`,
    `SELECT date_trunc('second', ${time}) AS second, count(*) AS events`,
    `FROM ${quoteName(stream)}`,
    `WHERE ${time} > now() - INTERVAL '5 minutes'`,
    `GROUP BY 1`,
    `ORDER BY 1 DESC;`,
  ].join('\n');
}
