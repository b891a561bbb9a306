/** How quarantined records are mended, as SQL writes it. */

import { quoteName, quoteText } from './sqlText';

export type FixKind = 'none' | 'null' | 'default' | 'rename' | 'drop' | 'edit';

/** A path as the server reports it (`items[].unitPrice`), as SQL takes it. */
export function sqlPath(path: string): string {
  return path
    .split('.')
    .map((step) => {
      const at = step.indexOf('[');
      return at < 0 ? quoteName(step) : quoteName(step.slice(0, at)) + step.slice(at);
    })
    .join('.');
}

/** A value as a literal: what looks like a number, `true` or `false` is one; anything else is text. */
export function sqlValue(text: string): string {
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) || text === 'true' || text === 'false' ? text : quoteText(text);
}

/** What stands after `WITH`; null for no fix, undefined while something has not been said yet. */
export function fixSql(kind: FixKind, path: string, text: string): string | null | undefined {
  if (kind === 'none') return null;
  if (kind === 'edit') return text === '' ? undefined : `SET PAYLOAD = ${quoteText(text)}`;
  if (path === '') return undefined;
  if (kind === 'null') return `SET ${sqlPath(path)} = NULL`;
  if (kind === 'drop') return `DROP ${sqlPath(path)}`;
  if (text === '') return undefined;
  return kind === 'default' ? `SET ${sqlPath(path)} = ${sqlValue(text)}` : `RENAME ${sqlPath(path)} TO ${sqlPath(text)}`;
}
