/** The lexical shape of SQL: just enough to find statements, parameters and scopes without being fooled by text and comments. */

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'comment' | 'symbol';

export type Token = { kind: TokenKind; from: number; to: number };

const WORD_START = /[\p{L}_]/u;
const WORD_PART = /[\p{L}\p{N}_$]/u;
const DIGIT = /[0-9]/;
const DOLLAR_TAG = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const PARAMETER = /[:$](?:[\p{L}_][\p{L}\p{N}_]*|[0-9]+)/uy;

/**
 * Cuts SQL into tokens, in order; white space is between them.
 *
 * Text that never ends (an open quote or comment) is one token up to the end of the input: somebody is still typing it.
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const char = sql[at] ?? '';
    if (/\s/.test(char)) {
      at += 1;
      continue;
    }
    const token = next(sql, at, char, tokens.at(-1));
    tokens.push(token);
    at = token.to;
  }
  return tokens;
}

function next(sql: string, from: number, char: string, before: Token | undefined): Token {
  const pair = sql.slice(from, from + 2);
  if (pair === '--') return { kind: 'comment', from, to: endOfLine(sql, from) };
  if (pair === '/*') return { kind: 'comment', from, to: endOfBlock(sql, from) };
  if (char === "'") return { kind: 'string', from, to: endOfQuoted(sql, from, "'", followsEscapeMark(sql, from, before)) };
  if (char === '"') return { kind: 'quoted', from, to: endOfQuoted(sql, from, '"', false) };
  if (char === '$') {
    const tag = match(DOLLAR_TAG, sql, from);
    if (tag !== null) return { kind: 'string', from, to: endOfText(sql, from + tag.length, tag) };
  }
  if (pair === '::') return { kind: 'symbol', from, to: from + 2 };
  if (char === '$' || (char === ':' && !WORD_PART.test(sql[from - 1] ?? ''))) {
    const parameter = match(PARAMETER, sql, from);
    // `:1` is the end of an array's slice, not a parameter.
    if (parameter !== null && !/^:[0-9]/.test(parameter)) return { kind: 'parameter', from, to: from + parameter.length };
  }
  if (WORD_START.test(char)) return { kind: 'word', from, to: run(sql, from, WORD_PART) };
  if (DIGIT.test(char)) return { kind: 'number', from, to: run(sql, from, /[\p{L}\p{N}_.]/u) };
  return { kind: 'symbol', from, to: from + 1 };
}

function match(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? null;
}

function run(sql: string, from: number, part: RegExp): number {
  let to = from + 1;
  while (to < sql.length && part.test(sql[to] ?? '')) to += 1;
  return to;
}

function endOfLine(sql: string, from: number): number {
  const end = sql.indexOf('\n', from);
  return end < 0 ? sql.length : end;
}

/** Comments nest, as in PostgreSQL. */
function endOfBlock(sql: string, from: number): number {
  let depth = 0;
  for (let at = from; at < sql.length - 1; at += 1) {
    const pair = sql.slice(at, at + 2);
    if (pair !== '/*' && pair !== '*/') continue;
    depth += pair === '/*' ? 1 : -1;
    at += 1;
    if (depth === 0) return at + 1;
  }
  return sql.length;
}

function endOfText(sql: string, from: number, end: string): number {
  const at = sql.indexOf(end, from);
  return at < 0 ? sql.length : at + end.length;
}

function endOfQuoted(sql: string, from: number, quote: string, backslashes: boolean): number {
  for (let at = from + 1; at < sql.length; at += 1) {
    if (backslashes && sql[at] === '\\') at += 1;
    else if (sql[at] === quote && sql[at + 1] === quote) at += 1;
    else if (sql[at] === quote) return at + 1;
  }
  return sql.length;
}

/** Only in `E'...'` does a backslash escape the quote. */
function followsEscapeMark(sql: string, from: number, before: Token | undefined): boolean {
  return before?.kind === 'word' && before.to === from && sql.slice(before.from, before.to).toLowerCase() === 'e';
}

/** The name an identifier token stands for: unquoted ones are lower-cased, as the server does. */
export function identifier(sql: string, token: Token): string {
  const text = sql.slice(token.from, token.to);
  return token.kind === 'quoted' ? text.replace(/^"|"$/g, '').replaceAll('""', '"') : text.toLowerCase();
}
