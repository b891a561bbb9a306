/** What names mean around a cursor: tables, aliases, common table expressions and subqueries of one statement. */

import { identifier, tokenize, type Token } from './sqlTokens';

/** A table-like thing the statement can take columns from. */
export type Relation = {
  /** How columns are written: `alias.column`. */
  alias: string;
  /** The table's full name, as `shop` or `system.streams`; null for a subquery. */
  table: string | null;
  /** A statement whose columns are this relation's, for the planner to answer; null for a plain table. */
  columnsOf: string | null;
};

export type CommonTable = { name: string; columnsOf: string };

export type Scope = { relations: Relation[]; commonTables: CommonTable[] };

/** Where the cursor is, as far as completion cares. */
export type Place = { kind: 'table' } | { kind: 'member'; path: string[] } | { kind: 'expression' } | { kind: 'nothing' };

const NOT_AN_ALIAS = new Set(
  ('on using where group order having limit offset join left right full inner outer cross natural union intersect except qualify window ' +
    'as version timestamp for fetch lateral')
    .split(' '),
);

/** Everything that `FROM` and `JOIN` of a statement name. Broken and unfinished statements give what can be told. */
export function scopeOf(sql: string): Scope {
  const tokens = tokenize(sql).filter((token) => token.kind !== 'comment');
  const commonTables = commonTablesOf(sql, tokens);
  const prefix = commonPrefix(sql, tokens, commonTables);
  const relations: Relation[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    if (!isWord(sql, tokens[at], 'from') && !isWord(sql, tokens[at], 'join')) continue;
    if (isArgument(sql, tokens, at)) continue;
    for (let next = at + 1; ; ) {
      const read = readRelation(sql, tokens, next, prefix, commonTables);
      if (read === null) break;
      relations.push(read.relation);
      // `FROM a, b` names more than one.
      if (symbolAt(sql, tokens[read.next]) !== ',') break;
      next = read.next + 1;
    }
  }
  return { relations, commonTables };
}

/** `extract(year FROM ts)` and `substring(a FROM 2)` have a FROM that names no table. */
function isArgument(sql: string, tokens: Token[], at: number): boolean {
  for (let back = at - 1, depth = 0; back >= 0; back -= 1) {
    const symbol = symbolAt(sql, tokens[back]);
    if (symbol === ')') depth += 1;
    if (symbol === '(' && depth === 0) {
      const before = tokens[back - 1];
      return before !== undefined && ['extract', 'substring', 'trim', 'overlay'].includes(sql.slice(before.from, before.to).toLowerCase());
    }
    if (symbol === '(') depth -= 1;
    if (depth === 0 && isWord(sql, tokens[back], 'select')) return false;
  }
  return false;
}

type ReadRelation = { relation: Relation; next: number };

function readRelation(sql: string, tokens: Token[], at: number, prefix: string, common: CommonTable[]): ReadRelation | null {
  const first = tokens[at];
  if (first === undefined) return null;
  if (isWord(sql, first, 'lateral')) return readRelation(sql, tokens, at + 1, prefix, common);
  if (symbolAt(sql, first) === '(') {
    const close = closing(sql, tokens, at);
    const end = tokens[close];
    const body = sql.slice(first.to, end?.from ?? sql.length);
    const { alias, next } = readAlias(sql, tokens, close + 1);
    return { relation: { alias: alias ?? '', table: null, columnsOf: prefix + body }, next };
  }
  if (!isName(first)) return null;
  const path = [identifier(sql, first)];
  let next = at + 1;
  while (symbolAt(sql, tokens[next]) === '.' && isName(tokens[next + 1])) {
    const part = tokens[next + 1];
    if (part !== undefined) path.push(identifier(sql, part));
    next += 2;
  }
  const table = path.join('.');
  const found = readAlias(sql, tokens, next);
  const commonTable = common.find((each) => each.name === table);
  const relation = { alias: found.alias ?? path.at(-1) ?? table, table: commonTable === undefined ? table : null, columnsOf: commonTable?.columnsOf ?? null };
  return { relation, next: found.next };
}

function readAlias(sql: string, tokens: Token[], at: number): { alias: string | null; next: number } {
  const explicit = isWord(sql, tokens[at], 'as');
  const token = tokens[explicit ? at + 1 : at];
  if (token === undefined || !isName(token)) return { alias: null, next: at };
  const name = identifier(sql, token);
  if (!explicit && token.kind === 'word' && NOT_AN_ALIAS.has(name)) return { alias: null, next: at };
  // `VERSION AS OF` reads as an alias named `of`, which it is not.
  if (explicit && name === 'of') return { alias: null, next: at };
  return { alias: name, next: at + (explicit ? 2 : 1) };
}

/** `WITH a AS (...), b AS (...)`: each can be asked for by the statement up to its end. */
function commonTablesOf(sql: string, tokens: Token[]): CommonTable[] {
  const start = tokens.findIndex((token) => isWord(sql, token, 'with'));
  const withToken = tokens[start];
  if (withToken === undefined) return [];
  const found: CommonTable[] = [];
  let at = start + 1;
  if (isWord(sql, tokens[at], 'recursive')) at += 1;
  for (;;) {
    const name = tokens[at];
    if (name === undefined || !isName(name)) break;
    at += 1;
    if (symbolAt(sql, tokens[at]) === '(') at = closing(sql, tokens, at) + 1;
    if (!isWord(sql, tokens[at], 'as') || symbolAt(sql, tokens[at + 1]) !== '(') break;
    const close = closing(sql, tokens, at + 1);
    const end = tokens[close];
    // The last one may still be open: then nothing can be asked about it.
    if (end === undefined) break;
    const written = sql.slice(name.from, name.to);
    found.push({ name: identifier(sql, name), columnsOf: `${sql.slice(withToken.from, end.to)} SELECT * FROM ${written}` });
    at = close + 1;
    if (symbolAt(sql, tokens[at]) !== ',') break;
    at += 1;
  }
  return found;
}

/** What must stand before a subquery, so that it can be planned by itself. */
function commonPrefix(sql: string, tokens: Token[], common: CommonTable[]): string {
  const last = common.at(-1);
  const start = tokens.find((token) => isWord(sql, token, 'with'));
  if (last === undefined || start === undefined) return '';
  return last.columnsOf.slice(0, last.columnsOf.lastIndexOf(' SELECT * FROM ')) + ' ';
}

/** What may be written at a position of a statement. */
export function placeAt(sql: string, position: number): Place {
  const tokens = tokenize(sql);
  const inside = tokens.find((token) => token.from < position && (position < token.to || (position === token.to && isOpen(sql, token))));
  if (inside !== undefined && ['comment', 'string', 'number'].includes(inside.kind)) return { kind: 'nothing' };
  const before = tokens.filter((token) => token.to <= position && token.kind !== 'comment');
  const current = before.at(-1);
  // The word being typed is not what decides; what stands before it is.
  const typed = current !== undefined && current.to === position && (isName(current) || current.kind === 'parameter');
  if (typed && current.kind === 'parameter') return { kind: 'nothing' };
  const rest = typed ? before.slice(0, -1) : before;
  if (symbolAt(sql, rest.at(-1)) === '.') return { kind: 'member', path: pathBefore(sql, rest) };
  const last = rest.at(-1);
  if (isWord(sql, last, 'as')) return { kind: 'nothing' };
  if (['from', 'join', 'describe', 'into'].some((word) => isWord(sql, last, word))) {
    return isArgument(sql, rest, rest.length - 1) ? { kind: 'expression' } : { kind: 'table' };
  }
  if (symbolAt(sql, last) === ',' && clauseOf(sql, rest) === 'from') return { kind: 'table' };
  return { kind: 'expression' };
}

/** A comment to the end of the line, or an unfinished text, still holds the cursor at its end. */
function isOpen(sql: string, token: Token): boolean {
  const text = sql.slice(token.from, token.to);
  if (token.kind === 'comment') return text.startsWith('--') || !text.endsWith('*/');
  if (token.kind === 'string') return text.length < 2 || !text.endsWith(text[0] ?? "'");
  return token.kind === 'number';
}

function pathBefore(sql: string, tokens: Token[]): string[] {
  const path: string[] = [];
  for (let at = tokens.length - 1; at >= 1 && symbolAt(sql, tokens[at]) === '.'; at -= 2) {
    const name = tokens[at - 1];
    if (name === undefined || !isName(name)) break;
    path.unshift(identifier(sql, name));
  }
  return path;
}

/** The clause whose list a comma belongs to. */
function clauseOf(sql: string, tokens: Token[]): string {
  let depth = 0;
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const token = tokens[at];
    const symbol = symbolAt(sql, token);
    if (symbol === ')') depth += 1;
    if (symbol === '(') depth -= 1;
    if (depth < 0) return '(';
    if (depth > 0 || token?.kind !== 'word') continue;
    const word = sql.slice(token.from, token.to).toLowerCase();
    if (['select', 'from', 'where', 'group', 'order', 'on', 'having', 'by', 'with', 'values', 'set'].includes(word)) return word;
  }
  return '';
}

function closing(sql: string, tokens: Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const symbol = symbolAt(sql, tokens[at]);
    if (symbol === '(') depth += 1;
    if (symbol === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}

function symbolAt(sql: string, token: Token | undefined): string | null {
  return token?.kind === 'symbol' ? sql.slice(token.from, token.to) : null;
}

function isWord(sql: string, token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.to - token.from === word.length && sql.slice(token.from, token.to).toLowerCase() === word;
}

function isName(token: Token | undefined): token is Token & { kind: 'word' | 'quoted' } {
  return token?.kind === 'word' || token?.kind === 'quoted';
}
