/** Lists that only ever keep their newest part. */

/** The newest `max` of `list` followed by `more`. */
export function appendPoints<T>(list: readonly T[], more: readonly T[], max: number): T[] {
  const joined = list.length + more.length <= max ? [...list, ...more] : [...list.slice(more.length - max), ...more];
  return joined.length > max ? joined.slice(-max) : joined;
}
