/** An error of the server as a place in the editor, and the change that would mend it. */

import type { ErrorBody } from '../../../api/client';
import { tokenize } from '../../../lib/sqlTokens';
import { offsetOf, rangeAt } from '../../../lib/statement';

export type Problem = { from: number; to: number; message: string; fix: Fix | null };

export type Fix = { from: number; to: number; text: string };

type Failure = Pick<ErrorBody, 'message'> & { hint?: string | null; position?: ErrorBody['position'] };

/** Where in a document a statement's error is; `at` is where the statement begins. Null where the error names no place. */
export function problemOf(failure: Failure, statement: string, at: number): Problem | null {
  const range = placeOf(failure, statement);
  if (range === null) return null;
  const word = suggestion(failure.hint ?? null);
  const here = { from: at + range.from, to: at + range.to };
  const message = failure.hint ? `${failure.message}. ${failure.hint}` : failure.message;
  return { ...here, message, fix: word === null ? null : { ...here, text: word } };
}

function placeOf(failure: Failure, statement: string): { from: number; to: number } | null {
  const range = failure.position ? rangeAt(statement, offsetOf(statement, failure.position)) : null;
  // Where the server says which name it did not know, that name is the place, even if it counts from before it.
  const named = /'([^']+)'/.exec(failure.message)?.[1];
  if (named === undefined) return range;
  const found = tokenize(statement).filter((token) => ['word', 'quoted'].includes(token.kind) && plain(statement.slice(token.from, token.to)) === plain(named));
  const nearest = found.find((token) => range === null || token.from >= range.from) ?? (range === null ? undefined : found.at(-1));
  return nearest === undefined ? range : { from: nearest.from, to: nearest.to };
}

function plain(name: string): string {
  return name.replaceAll('"', '').toLowerCase();
}

/** The word a hint proposes: "Did you mean 'country'?" */
export function suggestion(hint: string | null): string | null {
  const found = /\bdid you mean [`'"‘“]?([^`'"’”?]+)[`'"’”]?\s*\?/i.exec(hint ?? '');
  return found?.[1]?.trim() ?? null;
}
