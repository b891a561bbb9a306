import { formatTimestamp } from '../../../lib/format';
import { usePreferences } from '../../../lib/preferences';
import { Empty } from '../../../ui/Empty';
import { Status, type Tone } from '../../../ui/Status';
import type { Run } from '../run/run';
import { statusLine } from './statusLine';

const TONES: Record<Run['phase'], Tone> = { running: 'info', finished: 'ok', failed: 'crit', cancelled: 'idle' };

/** What was run in this tab since the page was loaded, newest first. */
export function MessagesView({ log }: { log: readonly Run[] }) {
  const { zone } = usePreferences();
  if (log.length === 0) return <Empty title="Nothing was run yet">Each statement you run in this tab leaves a line here: what it did, or why it failed.</Empty>;
  return (
    <ol aria-label="Messages" className="min-h-0 flex-1 divide-y divide-line overflow-auto bg-surface">
      {log.map((run) => (
        <li key={run.id} className="flex flex-col gap-0.5 px-3 py-2">
          <div className="flex flex-wrap items-baseline gap-x-3">
            <time dateTime={new Date(run.startedAt).toISOString()} className="num text-xs text-text-3">
              {formatTimestamp(run.startedAt, zone, 'second')}
            </time>
            <Status tone={TONES[run.phase]}>{run.error === null ? statusLine(run) : run.error.message}</Status>
          </div>
          <code className="truncate font-mono text-xs text-text-2">{run.sql.replace(/\s+/g, ' ')}</code>
        </li>
      ))}
    </ol>
  );
}
