/** Values as text: exact for copying, and safe to draw for the grid. */

import type { ArrowType } from './arrowTypes';
import { arrowKind } from './arrowTypes';

// Kept apart, so that pages without Arrow data do not load what reads it.
export { drawnText, GRID_CHARS_MAX } from './drawnText';

const UNITS_PER_SECOND = [1n, 1_000n, 1_000_000n, 1_000_000_000n] as const;

/** The exact text of a value, as it is copied; null for NULL. */
export function exactText(value: unknown, type: ArrowType): string | null {
  if (value === null || value === undefined) return null;
  switch (arrowKind(type)) {
    case 'decimal':
      return typeof value === 'bigint' ? decimalText(value, type.scale ?? 0) : String(value);
    case 'timestamp':
      return typeof value === 'bigint' ? timestampText(value, type.unit ?? 2) : millisecondsText(Number(value));
    case 'date':
      return millisecondsText(Number(value)).slice(0, 10);
    case 'time':
      return timeText(value, type.unit ?? 2);
    case 'float':
      return floatText(Number(value), type.precision);
    case 'binary':
      return value instanceof Uint8Array ? `\\x${[...value].map((byte) => byte.toString(16).padStart(2, '0')).join('')}` : String(value);
    case 'list':
    case 'struct':
    case 'map':
    case 'interval':
      return nestedText(value, type);
    default:
      return String(value);
  }
}

/** A decimal from its unscaled integer, without ever being a double. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return `${unscaled * 10n ** BigInt(-scale)}`;
  const sign = unscaled < 0n ? '-' : '';
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`.padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** A timestamp in its unit (0 s, 1 ms, 2 µs, 3 ns) as `2026-11-21 12:00:00.123`; digits beyond milliseconds only where there are any. */
export function timestampText(value: bigint, unit: number): string {
  const perSecond = UNITS_PER_SECOND[unit] ?? 1_000_000n;
  const seconds = floorDivide(value, perSecond);
  const rest = value - seconds * perSecond;
  const date = new Date(Number(seconds) * 1000);
  // Years that `Date` cannot say are shown as what is stored.
  if (Number.isNaN(date.getTime())) return String(value);
  const fraction = unit === 0 ? '000' : `${rest}`.padStart(String(perSecond).length - 1, '0');
  const digits = fraction.slice(0, 3) + fraction.slice(3).replace(/0+$/, '');
  return `${date.toISOString().slice(0, -5).replace('T', ' ')}.${digits.padEnd(digits.length > 3 ? (digits.length > 6 ? 9 : 6) : 3, '0')}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function millisecondsText(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString().replace('T', ' ').slice(0, -1);
}

function timeText(value: unknown, unit: number): string {
  const units = BigInt(typeof value === 'bigint' ? value : Math.round(Number(value)));
  const asMicroseconds = (units * 1_000_000n) / (UNITS_PER_SECOND[unit] ?? 1_000_000n);
  return timestampText(asMicroseconds, 2).slice(11);
}

/** A 32-bit float has about seven digits; the rest would be made up by its way through a double. */
function floatText(value: number, precision: number | undefined): string {
  return precision === 1 && Number.isFinite(value) ? String(Number(value.toPrecision(7))) : String(value);
}

function nestedText(value: unknown, type: ArrowType): string {
  return toJson(value, type);
}

/** Nested values as JSON. Integers keep all their digits, for this text is read by people and not by a JSON parser. */
function toJson(value: unknown, type: ArrowType | undefined): string {
  if (value === null || value === undefined) return 'null';
  const kind = type === undefined ? null : arrowKind(type);
  if (kind === 'struct' && type !== undefined && typeof value === 'object') {
    const record = value as Record<string, unknown>;
    const members = (type.children ?? []).map((child) => `${JSON.stringify(child.name)}: ${toJson(record[child.name], child.type)}`);
    return `{${members.join(', ')}}`;
  }
  if (kind === 'map') return mapJson(value, type);
  if (isIterable(value) && typeof value !== 'string') {
    const item = type?.children?.[0]?.type;
    return `[${[...value].map((each) => toJson(each, item)).join(', ')}]`;
  }
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') {
    return type === undefined || kind === 'integer' || kind === 'boolean' || kind === 'float' || kind === 'decimal'
      ? (type === undefined ? String(value) : (exactText(value, type) ?? 'null'))
      : JSON.stringify(exactText(value, type));
  }
  return JSON.stringify(String(value));
}

function mapJson(value: unknown, type: ArrowType | undefined): string {
  const entry = type?.children?.[0]?.type;
  const valueType = entry?.children?.[1]?.type;
  const entries: unknown[] = isIterable(value) ? [...value] : [];
  const members = entries.map((pair) => {
    const [key, member] = Array.isArray(pair) ? (pair as unknown[]) : [String(pair), null];
    return `${JSON.stringify(String(key))}: ${toJson(member, valueType)}`;
  });
  return `{${members.join(', ')}}`;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** A field of tab-separated text, as spreadsheets take it: quoted only where it must be. */
export function tsvField(text: string | null): string {
  if (text === null) return '';
  return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
