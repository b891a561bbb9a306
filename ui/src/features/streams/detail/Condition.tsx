import type { StreamDetail } from '../../../api/types';
import { lagOf } from '../../../api/types';
import { formatCount, formatDuration } from '../../../lib/format';
import { useNow } from '../../../lib/useNow';
import { Code } from '../../../ui/Code';
import { Status } from '../../../ui/Status';
import { Ago } from '../../../ui/Time';
import { pushCommand } from './pushCommand';

/** What is wrong and what to do, or what is being waited for; nothing where all is well. */
export function Condition({ stream }: { stream: StreamDetail }) {
  const now = useNow();
  if (!stream.message && stream.state === 'running' && stream.last_commit_at) return null;
  const tone = stream.state === 'failed' ? 'crit' : stream.state === 'degraded' ? 'warn' : stream.state === 'paused' ? 'idle' : 'info';
  const isWaiting = !stream.message && !stream.last_commit_at && stream.state !== 'paused';
  return (
    <section aria-label="Condition" className="flex flex-col gap-1 rounded-lg border border-line bg-surface px-3 py-2">
      <Status tone={tone}>
        {stream.cause ? `${stream.cause.replaceAll('_', ' ')}: ` : ''}
        {stream.message || (isWaiting ? waiting(stream) : words(stream))}
      </Status>
      <p className="text-xs text-text-3">
        Since <Ago at={stream.since} now={now} />
        {stream.last_commit_at ? (
          <>
            , last commit <Ago at={stream.last_commit_at} now={now} />
          </>
        ) : (
          ', nothing was committed since the server started'
        )}
        .
      </p>
      {stream.hint && <p className="max-w-prose text-text-2">{stream.hint}</p>}
      {isWaiting && stream.source.toLowerCase() === 'http' && (
        <div className="max-w-3xl">
          <Code label="Send a test record" text={pushCommand(stream)} />
        </div>
      )}
    </section>
  );
}

function waiting(stream: StreamDetail): string {
  return Number(stream.n_rows ?? 0) > 0 ? 'Connected. No new record has come yet.' : 'Connected. No record has come yet.';
}

function words(stream: StreamDetail): string {
  if (stream.state === 'paused') return 'Paused. Nothing is read until the stream is resumed; then it goes on where it stopped.';
  if (stream.state !== 'catching_up') return 'Running.';
  const left = secondsLeft(stream);
  const behind = lagOf(stream);
  if (behind === null) return 'Reading what has piled up at the source.';
  return `Reading what has piled up at the source: ${formatCount(behind)} records behind${left === null ? '' : `, about ${formatDuration(left * 1000)} left`}.`;
}

/** Seconds until everything is read, if it goes on as now; null where it does not get less. */
export function secondsLeft(stream: Pick<StreamDetail, 'lag' | 'stages' | 'events_per_s'>): number | null {
  const lag = lagOf(stream);
  const produced = stream.stages?.find((stage) => stage.name === 'source')?.events_per_s ?? 0;
  const gained = (stream.events_per_s ?? 0) - produced;
  return lag === null || lag === 0 || gained <= 0 ? null : lag / gained;
}
