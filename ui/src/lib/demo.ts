/** The made-up shop: its name as a source, and a first question about it. */

import { quoteName } from './sqlText';

export const isDemo = (stream: { source: string }): boolean => stream.source.toLowerCase() === 'demo';

/**
 * How many events a stream had in each minute. What arrived of late is asked for by its arrival, so that a stream that is
 * still reading what is old shows that instead of nothing, and only a little is read of a large one.
 */
export function firstQuestion(stream: string, eventTime: string | null): string {
  return [
    `-- How many events were there in each minute, of those that arrived in the last quarter of an hour?`,
    `SELECT date_trunc('minute', ${quoteName(eventTime ?? '_time')}) AS minute, count(*) AS events`,
    `FROM ${quoteName(stream)}`,
    `WHERE _time > now() - INTERVAL '15 minutes'`,
    `GROUP BY 1`,
    `ORDER BY 1 DESC`,
    `LIMIT 60;`,
  ].join('\n');
}
