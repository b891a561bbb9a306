/** Why a statement had no rows: which of its conditions leaves nothing, and what there is instead. */

import type { CatalogTable } from '../api/types';
import { identifier, tokenize, type Token } from './sqlTokens';
import { scopeOf } from './sqlScope';

export type Condition = {
  text: string;
  /** The column it is about, as it is written and as the catalogue knows it, where it is about one. */
  column: { written: string; name: string; type: string } | null;
};

/** What a statement of one table asks for. */
export type Asked = { table: string; from: string; conditions: Condition[]; hasHaving: boolean };

const AFTER_WHERE = new Set(['group', 'having', 'order', 'limit', 'offset', 'window', 'qualify', 'fetch', 'union', 'intersect', 'except']);

/** Takes a statement apart; null where more than one table, or something like a union, would make any answer a guess. */
export function askedOf(written: string, tables: readonly CatalogTable[]): Asked | null {
  const sql = withoutComments(written);
  const tokens = tokenize(sql);
  const { relations, commonTables } = scopeOf(sql);
  const [relation] = relations;
  if (relations.length !== 1 || commonTables.length > 0 || relation === undefined || relation.table === null) return null;
  const word = (token: Token | undefined) => (token?.kind === 'word' ? sql.slice(token.from, token.to).toLowerCase() : '');
  const top = topLevel(sql, tokens);
  const at = (wanted: string) => top.findIndex((token) => word(token) === wanted);
  if (['union', 'intersect', 'except'].some((each) => at(each) >= 0) || word(top[0]) !== 'select') return null;
  const [fromAt, whereAt] = [at('from'), at('where')];
  const from = top[fromAt];
  if (from === undefined) return null;
  const end = (first: number) => top.slice(first + 1).find((token) => AFTER_WHERE.has(word(token)) || word(token) === 'where')?.from ?? sql.length;
  const table = tables.find((each) => (each.schema === '' ? each.name : `${each.schema}.${each.name}`) === relation.table);
  const where = top[whereAt];
  const conditions = where === undefined ? [] : conjuncts(sql, tokens, where.to, end(whereAt)).map((text) => ({ text, column: columnOf(text, table, relation.alias) }));
  return { table: relation.table, from: sql.slice(from.to, end(fromAt)).trim(), conditions, hasHaving: at('having') >= 0 };
}

/** Comments become blanks: what is cut out of the statement is put between parentheses, and one would swallow them. */
function withoutComments(sql: string): string {
  let plain = sql;
  for (const { kind, from, to } of tokenize(sql)) if (kind === 'comment') plain = plain.slice(0, from) + ' '.repeat(to - from) + plain.slice(to);
  return plain;
}

/** The tokens outside of all parentheses. */
function topLevel(sql: string, tokens: readonly Token[]): Token[] {
  let depth = 0;
  return tokens.filter((token) => {
    const symbol = token.kind === 'symbol' ? sql.slice(token.from, token.to) : '';
    if (symbol === ')') depth -= 1;
    const isTop = depth === 0;
    if (symbol === '(') depth += 1;
    return isTop;
  });
}

/** The parts that AND joins; one part where an OR would take them apart. */
function conjuncts(sql: string, tokens: readonly Token[], from: number, to: number): string[] {
  const inside = topLevel(sql, tokens.filter((token) => token.from >= from && token.to <= to));
  const parts: string[] = [];
  let start = from;
  let isBetween = false;
  for (const token of inside) {
    const word = token.kind === 'word' ? sql.slice(token.from, token.to).toLowerCase() : '';
    if (word === 'or') return [sql.slice(from, to).trim()];
    if (word === 'between') isBetween = true;
    if (word !== 'and') continue;
    // `BETWEEN a AND b` has an AND of its own.
    if (!isBetween) {
      parts.push(sql.slice(start, token.from).trim());
      start = token.to;
    }
    isBetween = false;
  }
  parts.push(sql.slice(start, to).trim());
  return parts.filter((part) => part !== '');
}

function columnOf(condition: string, table: CatalogTable | undefined, alias: string): Condition['column'] {
  const names = tokenize(condition).filter((token) => token.kind === 'word' || token.kind === 'quoted');
  const found = names.flatMap((token) => {
    const name = identifier(condition, token);
    const column = table?.columns.find((each) => each.name === name);
    return column === undefined || name === alias ? [] : [{ written: condition.slice(token.from, token.to), name, type: column.type }];
  });
  const [first] = found;
  return first !== undefined && found.every((each) => each.name === first.name) ? first : null;
}

const clause = (conditions: readonly string[]) => conditions.map((each) => `(${each})`).join(' AND ');

/** Counts rows: all, with each condition alone, and with all but that one. */
export function countingSql({ table, from, conditions }: Asked): string {
  const texts = conditions.map((condition) => condition.text);
  const counts = texts.flatMap((text, index) => {
    const others = texts.filter((_, other) => other !== index);
    const without = others.length === 0 ? 'count(*)' : `count(*) FILTER (WHERE ${clause(others)})`;
    return [`count(*) FILTER (WHERE ${clause([text])}) AS a${index}`, `${without} AS w${index}`];
  });
  // System tables do not know when their rows arrived.
  const span = table.startsWith('system.') ? [] : ['min(_time) AS first', 'max(_time) AS last'];
  return `SELECT ${['count(*) AS n', ...counts, ...span].join(', ')} FROM ${from}`;
}

export type Counts = { n: number; alone: number[]; without: number[]; first: string | null; last: string | null };

export function readCounts(row: Record<string, unknown>, nConditions: number): Counts {
  const numbers = (letter: string) => Array.from({ length: nConditions }, (_, index) => Number(row[`${letter}${index}`] ?? 0));
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { n: Number(row.n ?? 0), alone: numbers('a'), without: numbers('w'), first: text(row.first), last: text(row.last) };
}

/** The conditions to blame: without one of them there would be rows; or else those that no row meets. */
export function culprits({ alone, without }: Counts): number[] {
  const single = without.flatMap((n, index) => (n > 0 ? [index] : []));
  return single.length > 0 ? single : alone.flatMap((n, index) => (n === 0 ? [index] : []));
}

const VALUES_MAX = 6;

/** What a condition's column holds in the rows that meet the others: its commonest values, or its range. */
export function valuesSql({ from, conditions }: Asked, index: number, withOthers: boolean): string | null {
  const column = conditions[index]?.column;
  if (!column) return null;
  const others = conditions.flatMap((condition, other) => (other === index ? [] : [condition.text]));
  const where = withOthers && others.length > 0 ? ` WHERE ${clause(others)}` : '';
  if (isRanged(column.type)) return `SELECT CAST(min(${column.written}) AS VARCHAR) AS low, CAST(max(${column.written}) AS VARCHAR) AS high FROM ${from}${where}`;
  if (!isListed(column.type)) return null;
  return `SELECT CAST(${column.written} AS VARCHAR) AS value FROM ${from}${where} GROUP BY ${column.written} ORDER BY count(*) DESC, value LIMIT ${VALUES_MAX}`;
}

const isRanged = (type: string) => /INT|REAL|DOUBLE|DECIMAL|TIMESTAMP|DATE|TIME\b/i.test(type) && !/^(STRUCT|ARRAY|JSON)/i.test(type);
const isListed = (type: string) => /^(TEXT|VARCHAR|BOOLEAN)/i.test(type);

/** The values found, in words. */
export function valuesText(rows: readonly Record<string, unknown>[], column: string): string | null {
  const [first] = rows;
  if (first === undefined) return null;
  if ('low' in first) return first.low === null ? `${column} has no value there.` : `${column} goes from ${String(first.low)} to ${String(first.high)} there.`;
  const values = rows.map((row) => (row.value === null ? 'null' : `'${String(row.value).slice(0, 60)}'`));
  const more = values.length === VALUES_MAX;
  return `${more ? 'The commonest values' : 'The values'} of ${column} there: ${values.slice(0, VALUES_MAX - 1).join(', ')}${more ? ', …' : '.'}`;
}
