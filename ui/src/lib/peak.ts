/** Keeps one burst from flattening a chart. */

const RECENT = 20;
/** Up to this many times what is normal now, a burst is drawn whole. */
const TIMES = 4;

export type Top = { top: number; peak: number };

/** Where a chart should end at the top so that what happens now can be seen; null where everything fits as it is. */
export function topFor(values: readonly (number | null)[]): Top | null {
  const known = values.filter((value): value is number => value !== null);
  if (known.length <= RECENT) return null;
  const peak = Math.max(...known);
  const now = Math.max(...known.slice(-RECENT));
  return now > 0 && peak > now * TIMES ? { top: now * 1.6, peak } : null;
}
