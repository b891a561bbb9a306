import { useSyncExternalStore } from 'react';
import { live } from '../../api/live';
import { token } from '../../api/token';
import { useLiveStatus } from '../../api/useLive';
import { formatTimestamp, THIN } from '../../lib/format';
import { usePreferences } from '../../lib/preferences';
import { useNow } from '../../lib/useNow';
import { Status } from '../../ui/Status';

/** Says that the server is away, since when, and when it is tried again. Everything on the page stays as it was. */
export function ConnectionStrip() {
  const { phase, since, retryAt } = useLiveStatus();
  const { zone } = usePreferences();
  const now = useNow(500);
  // A restart takes a second or two; saying so at once would only flash.
  // Where a token is asked for, the server is there; the dialog says what is missing.
  const isRefused = useSyncExternalStore(token.subscribe, token.isNeeded);
  const isLost = phase === 'lost' && !isRefused && now - since > 1500;
  return (
    <div role="status" className="col-span-full">
      {isLost && (
        <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-warn-tint px-3 py-1.5">
          <Status tone="warn">
            Can’t reach the server since {formatTimestamp(since, zone, 'second')}
            {zone === 'utc' ? ' UTC' : ''}. What is shown is from before.
          </Status>
          <span aria-hidden className="num text-xs text-text-2">
            {retryAt && retryAt > now ? `retrying in ${Math.ceil((retryAt - now) / 1000)}${THIN}s` : 'retrying'}
          </span>
          <button type="button" onClick={() => live.retryNow()} className="text-xs font-medium text-accent underline">
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
