import { formatAgo, formatTimestamp } from '../lib/format';
import { usePreferences } from '../lib/preferences';

/** How long ago something was; the exact time is in the tooltip. */
export function Ago({ at, now }: { at: string | number | null | undefined; now: number }) {
  const { zone } = usePreferences();
  if (at === null || at === undefined || at === '') return <span className="text-text-3">never</span>;
  const exact = formatTimestamp(at, zone);
  return (
    <time dateTime={formatTimestamp(at).replace(' ', 'T') + 'Z'} title={`${exact} ${zone === 'utc' ? 'UTC' : 'local time'}`}>
      {formatAgo(at, now)}
    </time>
  );
}

/** A time, in full. */
export function Timestamp({ at, part = 'full' }: { at: string | number | null | undefined; part?: 'full' | 'clock' | 'second' }) {
  const { zone } = usePreferences();
  if (at === null || at === undefined || at === '') return <i className="text-text-3">null</i>;
  return (
    <time dateTime={String(at)} title={`${formatTimestamp(at, zone)} ${zone === 'utc' ? 'UTC' : 'local time'}`} className="num whitespace-nowrap">
      {formatTimestamp(at, zone, part)}
    </time>
  );
}
