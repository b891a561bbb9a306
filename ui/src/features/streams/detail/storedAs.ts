/** How a record became a row: which field went into which column, which found none, and which column found nothing. */

import type { StreamColumn } from '../../../api/types';
import { parseExact } from '../../../lib/json';

export type Stored = {
  name: string;
  type: string | null;
  value: unknown;
  /** `stored` in a column; `absent` from the record, or null there; `rest` has no column and is kept as JSON. */
  fate: 'stored' | 'absent' | 'rest';
};

/** Columns in the order of the table, then the fields without one. */
export function storedAs(values: Readonly<Record<string, unknown>>, columns: readonly StreamColumn[]): Stored[] {
  const own = columns.map(({ name, type }): Stored => {
    const value = values[name] ?? null;
    return { name, type, value, fate: value === null ? 'absent' : 'stored' };
  });
  const rest = Object.entries(restOf(values)).map(([name, value]): Stored => ({ name, type: null, value, fate: 'rest' }));
  return [...own, ...rest];
}

/** The record as it can be put together again from its row: columns under their names, and the fields that have none. */
export function recordOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.entries(values).filter(([name, value]) => !name.startsWith('_') && value !== null && value !== undefined);
  return { ...Object.fromEntries(own), ...restOf(values) };
}

function restOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (typeof values._rest !== 'string') return {};
  try {
    const rest: unknown = parseExact(values._rest);
    return typeof rest === 'object' && rest !== null ? (rest as Record<string, unknown>) : {};
  } catch {
    return { _rest: values._rest };
  }
}
