/** Writing names and values into SQL. */

/** A name as SQL reads it: bare where it may be, quoted where it must be. */
export function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Text as an SQL literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The words that cannot be a bare name where columns and tables stand. */
const RESERVED = new Set(
  'all and any array as asc between by case cast create cross current_date current_timestamp desc distinct drop else end except exists false fetch for from full group having in inner insert intersect interval into is join lateral left like limit natural not null offset on or order outer partition qualify right select set table then timestamp to true union unnest update using values view when where window with'.split(
    ' ',
  ),
);
