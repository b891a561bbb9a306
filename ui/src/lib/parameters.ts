/** Parameters of a statement: found while it is typed, kept in the address, sent in the server's own syntax. */

import { tokenize } from './sqlTokens';

/** A JSON value as the server takes it for a parameter. Whole numbers beyond 2^53 go as text, so that no digit is lost. */
export type ParameterValue = string | number | boolean | null;

/** The `params` member of a request. */
export type SentParameters = ParameterValue[] | Record<string, ParameterValue> | undefined;

const PREFIX = 'p.';

/** The names of `:name` and `$name` in a statement, in the order of their first use. */
export function parametersIn(sql: string): string[] {
  const names = tokenize(sql)
    .filter((token) => token.kind === 'parameter')
    .map((token) => sql.slice(token.from + 1, token.to));
  return [...new Set(names)];
}

/** The statement with `:name` written `$name`. Both are equally long, so every position stays what it was. */
export function toServerSyntax(sql: string): string {
  let written = '';
  let at = 0;
  for (const token of tokenize(sql)) {
    if (token.kind !== 'parameter') continue;
    written += `${sql.slice(at, token.from)}$`;
    at = token.from + 1;
  }
  return written + sql.slice(at);
}

export type InputKind = 'text' | 'number' | 'timestamp' | 'boolean';

/** What to ask for: the server's type where it is known, else a guess from the name. */
export function inputKind(name: string, type: string | null): InputKind {
  const known = (type ?? '').toLowerCase();
  if (/int|real|double|float|decimal|numeric/.test(known)) return 'number';
  if (/timestamp|date/.test(known)) return 'timestamp';
  if (/bool/.test(known)) return 'boolean';
  if (known !== '') return 'text';
  if (/^[0-9]+$/.test(name)) return 'text';
  if (/(^|_)(limit|count|n|min|max|top|threshold)(_|$)/.test(name)) return 'number';
  if (/(^|_)(from|to|since|until|after|before|at|ts|time|date)(_|$)/.test(name)) return 'timestamp';
  return 'text';
}

/** What is sent for the text of an input. Nothing typed is NULL. */
export function parameterValue(text: string, kind: InputKind): ParameterValue {
  if (text === '') return null;
  if (kind === 'boolean') return /^(true|t|yes|1)$/i.test(text.trim());
  if (kind === 'number') {
    const trimmed = text.trim();
    const number = Number(trimmed);
    // Only a number that survives the way through a double may become one.
    if (trimmed !== '' && Number.isFinite(number) && String(number) === trimmed && (!Number.isInteger(number) || Number.isSafeInteger(number))) return number;
    return trimmed;
  }
  return text;
}

/** The `params` member of a request: a list where all names are numbers, an object otherwise; nothing where there are none. */
export function parametersToSend(
  sql: string,
  values: Readonly<Record<string, string>>,
  types: Readonly<Record<string, string | null>> = {},
): SentParameters {
  const names = parametersIn(sql);
  if (names.length === 0) return undefined;
  const value = (name: string) => parameterValue(values[name] ?? '', inputKind(name, types[name] ?? null));
  if (names.every((name) => /^[1-9][0-9]*$/.test(name))) {
    const last = Math.max(...names.map(Number));
    return Array.from({ length: Math.min(last, 1000) }, (_, index) => value(String(index + 1)));
  }
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

/** Those of a statement's parameters that a part of it uses. */
export function parametersFor(part: string, sent: SentParameters): SentParameters {
  const names = parametersIn(part);
  if (sent === undefined || names.length === 0) return undefined;
  return Array.isArray(sent) ? sent : Object.fromEntries(names.map((name) => [name, sent[name] ?? null]));
}

/** The values an address carries as `p.name=value`. */
export function parametersFromSearch(search: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(search)) {
    if (key.startsWith(PREFIX) && key.length > PREFIX.length) values[key.slice(PREFIX.length)] = value;
  }
  return values;
}

/** The search part of an address with these values in it, and everything else as it was. */
export function searchWithParameters(search: string, values: Readonly<Record<string, string>>): string {
  const written = new URLSearchParams(search);
  const old = [...written.keys()].filter((key) => key.startsWith(PREFIX));
  for (const key of old) written.delete(key);
  for (const [name, value] of Object.entries(values)) if (value !== '') written.set(PREFIX + name, value);
  const text = written.toString();
  return text === '' ? '' : `?${text}`;
}
