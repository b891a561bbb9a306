/** Values of JSON rows as a table shows them. */

import { drawnText } from './drawnText';
import { formatTimestamp, type Zone } from './format';

export type CellKind = 'number' | 'time' | 'text';

/** How a column is shown, from its SQL type. */
export function cellKind(type: string): CellKind {
  if (/^(TIMESTAMP|DATE|TIME)\b/i.test(type)) return 'time';
  if (/^(TINYINT|SMALLINT|INT|INTEGER|BIGINT|REAL|DOUBLE|FLOAT|DECIMAL|NUMERIC)\b/i.test(type)) return 'number';
  return 'text';
}

/** One value as text in one line; null for NULL. Objects are shown as their JSON. */
export function cellText(value: unknown, kind: CellKind, zone: Zone = 'utc'): string | null {
  if (value === null || value === undefined) return null;
  if (kind === 'time' && typeof value === 'string' && value.includes('T')) return formatTimestamp(value, zone);
  return drawnText(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** How many decimals a value has, up to `max`, so that a column can line its digits up. */
export function decimals(value: unknown, max = 4): number {
  if (typeof value !== 'number' || Number.isInteger(value)) return 0;
  const text = String(value);
  return text.includes('e') ? 0 : Math.min(max, text.length - text.indexOf('.') - 1);
}
