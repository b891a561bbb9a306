/** The questions that tell what is in the columns of a stream, from a sample of its newest rows. */

import type { StreamColumn } from '../../../api/types';
import { quoteName } from '../../../lib/sqlText';

export const SAMPLE_ROWS = 10_000;
/** A statement about thousands of columns would take longer than anybody waits. */
export const PROFILED_MAX = 100;

export type TopValue = { value: string; n: number };

export type Profile = { n: number; filled: number; distinct: number | null; min: string | null; max: string | null; /** Null where they were not counted. */ top: readonly TopValue[] | null };

const COMPARABLE = /^(BOOLEAN|TINYINT|SMALLINT|INT|INTEGER|BIGINT|REAL|DOUBLE|DECIMAL|TEXT|TIMESTAMP|DATE|TIME)\b/i;
const COUNTABLE = /^(BOOLEAN|TINYINT|SMALLINT|INT|INTEGER|BIGINT|REAL|DOUBLE|DECIMAL|TEXT|TIMESTAMP|DATE)\b/i;
/** No two events are at the same moment, or by chance. */
const NEVER_COMMON = /^TIMESTAMP\b/i;

const asText = (expression: string) => `CAST(${expression} AS VARCHAR)`;

const sampleOf = (stream: string) => `(SELECT * FROM ${quoteName(stream)} ORDER BY _commit DESC LIMIT ${SAMPLE_ROWS})`;

/** One row, with columns `n`, `f0`, `d0`, `a0`, `z0`, `f1` and so on. */
export function profileSql(stream: string, columns: readonly StreamColumn[]): string {
  const parts = columns.slice(0, PROFILED_MAX).flatMap((column, index) => {
    const name = quoteName(column.name);
    return [
      `count(${name}) AS f${index}`,
      COUNTABLE.test(column.type) ? `approx_distinct(${asText(name)}) AS d${index}` : `NULL AS d${index}`,
      COMPARABLE.test(column.type) && !/^BOOLEAN/i.test(column.type) ? `${asText(`min(${name})`)} AS a${index}, ${asText(`max(${name})`)} AS z${index}` : `NULL AS a${index}, NULL AS z${index}`,
    ];
  });
  return `SELECT count(*) AS n, ${parts.join(', ')} FROM ${sampleOf(stream)}`;
}

export const TOP_MAX = 3;

const isCounted = ({ type }: StreamColumn) => COUNTABLE.test(type) && !NEVER_COMMON.test(type);

/** The commonest values: rows of the column's number `c`, the value `v` and how often it is there. Null where no column can be counted. */
export function topSql(stream: string, columns: readonly StreamColumn[]): string | null {
  const counted = columns.slice(0, PROFILED_MAX).flatMap((column, index) => (isCounted(column) ? [{ index, text: asText(quoteName(column.name)) }] : []));
  if (counted.length === 0) return null;
  const pairs = `SELECT unnest(make_array(${counted.map(({ index }) => index).join(', ')})) AS c, unnest(make_array(${counted.map(({ text }) => text).join(', ')})) AS v FROM ${sampleOf(stream)}`;
  const ranked = `SELECT c, v, count(*) AS n, row_number() OVER (PARTITION BY c ORDER BY count(*) DESC, v) AS k FROM (${pairs}) GROUP BY c, v HAVING v IS NOT NULL`;
  return `SELECT c, v, n FROM (${ranked}) WHERE k <= ${TOP_MAX} ORDER BY c, k`;
}

/** The answers, column by column. */
export function readProfile(row: Record<string, unknown>, tops: readonly Record<string, unknown>[], columns: readonly StreamColumn[]): Map<string, Profile> {
  const text = (value: unknown) => (value === null || value === undefined ? null : String(value));
  return new Map(
    columns.slice(0, PROFILED_MAX).map((column, index) => [
      column.name,
      {
        n: Number(row.n ?? 0),
        filled: Number(row[`f${index}`] ?? 0),
        distinct: row[`d${index}`] === null || row[`d${index}`] === undefined ? null : Number(row[`d${index}`]),
        min: text(row[`a${index}`]),
        max: text(row[`z${index}`]),
        top: isCounted(column) ? tops.flatMap(({ c, v, n }) => (Number(c) === index && Number(n) > 1 ? [{ value: String(v), n: Number(n) }] : [])) : null,
      },
    ]),
  );
}
