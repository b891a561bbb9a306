/** Numbers, sizes and times as people read them. */

/** A space that does not break and is narrower than a letter: between a number and its unit. */
export const THIN = '\u202f';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** What stands where a number is not known. */
export const UNKNOWN = '–';

/** Every digit, in groups of three; text from the server stays exact. */
export function formatExact(n: number | string | bigint | null | undefined): string {
  if (n === null || n === undefined || n === '') return UNKNOWN;
  if (typeof n === 'string') return /^-?\d+$/.test(n) ? BigInt(n).toLocaleString('en-US') : n;
  return n.toLocaleString('en-US');
}

/** 1,234 below a hundred thousand, then 123 k, 1.2 M. */
export function formatCount(n: number | string | null | undefined): string {
  if (n === null || n === undefined || n === '') return UNKNOWN;
  const value = Number(n);
  if (!Number.isFinite(value)) return String(n);
  const size = Math.abs(value);
  if (size < 100_000) return size < 10 && !Number.isInteger(value) ? oneDecimal.format(value) : grouped.format(value);
  const [unit, scale] = size < 1e6 ? ['k', 1e3] : size < 1e9 ? ['M', 1e6] : size < 1e12 ? ['G', 1e9] : ['T', 1e12];
  const scaled = value / Number(scale);
  return `${Math.abs(scaled) < 100 ? oneDecimal.format(scaled) : grouped.format(scaled)}${THIN}${unit}`;
}

/** A share of one as a percentage. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return UNKNOWN;
  const percent = share * 100;
  const digits = percent > 0 && percent < 10 ? 1 : 0;
  return `${percent > 0 && percent < 0.1 ? '< 0.1' : percent.toFixed(digits)}${THIN}%`;
}

/** A span of time in its natural unit: 41 ms, 0.4 s, 12 s, 3 min, 2 h, 5 d. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  const [value, unit] = splitDuration(ms);
  return `${value}${THIN}${unit}`;
}

/** The number and the unit of a span of time, for places that set them differently. */
export function splitDuration(ms: number): [string, string] {
  const size = Math.abs(ms);
  if (size < 1) return [size === 0 ? '0' : size.toFixed(1), 'ms'];
  if (size < 100) return [size < 10 ? oneDecimal.format(size) : String(Math.round(size)), 'ms'];
  const seconds = size / 1000;
  if (seconds < 10) return [seconds.toFixed(seconds < 1 ? 2 : 1), 's'];
  if (seconds < 120) return [String(Math.round(seconds)), 's'];
  if (seconds < 7200) return [String(Math.round(seconds / 60)), 'min'];
  if (seconds < 172_800) return [String(Math.round(seconds / 3600)), 'h'];
  return [String(Math.round(seconds / 86_400)), 'd'];
}

/** Bytes in powers of 1024. */
export function formatBytes(bytes: number | string | null | undefined): string {
  if (bytes === null || bytes === undefined || bytes === '') return UNKNOWN;
  let value = Number(bytes);
  if (!Number.isFinite(value)) return String(bytes);
  let unit = 'B';
  for (const larger of ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']) {
    if (Math.abs(value) < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return `${unit === 'B' || value >= 100 ? grouped.format(value) : oneDecimal.format(value)}${THIN}${unit}`;
}

export type Zone = 'utc' | 'local';

const two = (n: number) => String(n).padStart(2, '0');

/** `2026-11-21 07:01:18.000`, or only the time of day. */
export function formatTimestamp(value: string | number | Date, zone: Zone = 'utc', part: 'full' | 'clock' | 'second' = 'full'): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return String(value);
  const shifted = zone === 'utc' ? at : new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  const iso = shifted.toISOString();
  const clock = iso.slice(iso.indexOf('T') + 1, -1);
  if (part === 'clock') return clock;
  if (part === 'second') return clock.slice(0, 8);
  return `${iso.slice(0, iso.indexOf('T'))} ${clock}`;
}

/** `now`, `12 s ago`, `in 3 min`. */
export function formatAgo(at: string | number | Date, now: number): string {
  const ms = now - new Date(at).getTime();
  if (Number.isNaN(ms)) return String(at);
  if (Math.abs(ms) < 1000) return 'now';
  const seconds = Math.abs(ms) / 1000;
  const span = seconds < 120 ? `${Math.floor(seconds)}${THIN}s` : formatDuration(Math.abs(ms));
  return ms >= 0 ? `${span} ago` : `in ${span}`;
}

/** Minutes and seconds on an axis of time; the hour only where it helps. */
export function formatTick(seconds: number, zone: Zone): string {
  const at = new Date(seconds * 1000);
  const [h, m, s] =
    zone === 'utc' ? [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()] : [at.getHours(), at.getMinutes(), at.getSeconds()];
  return s === 0 ? `${two(h)}:${two(m)}` : `${two(h)}:${two(m)}:${two(s)}`;
}

/** `1 row`, `2 rows`. */
export function plural(n: number | string, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${Number(n) === 1 ? one : many}`;
}
