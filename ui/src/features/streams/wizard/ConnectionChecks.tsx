import { CircleDashed } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { isAbort } from '../../../api/client';
import { formatDuration } from '../../../lib/format';
import { Button } from '../../../ui/Button';
import { Failure } from '../../../ui/Empty';
import { Status } from '../../../ui/Status';
import { testConnection, type Check } from './wizardApi';

const NAMES: Record<string, string> = {
  dns: 'Name resolves',
  tcp: 'Port answers',
  tls: 'Encryption',
  login: 'Login',
  read: 'Permission to read',
  decode: 'One record decoded',
};

type State = { statement: string; checks: Check[]; isRunning: boolean; failure: unknown };

type Props = {
  /** Null while something is missing. */
  statement: string | null;
  /** What is read, as its source calls it. */
  place?: string;
  missing?: string;
};

/** Named checks, each with its time, and on failure the cause and what to change. */
export function ConnectionChecks({ statement, place = 'Cluster and topic', missing = 'Say where the brokers are and which topic to read.' }: Props) {
  const [state, setState] = useState<State | null>(null);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);
  const start = async () => {
    if (statement === null) return;
    abort.current?.abort();
    const own = new AbortController();
    abort.current = own;
    setState({ statement, checks: [], isRunning: true, failure: null });
    const update = (change: (old: State) => State) => setState((old) => (old === null || abort.current !== own ? old : change(old)));
    try {
      await testConnection(statement, (check) => update((old) => ({ ...old, checks: [...old.checks, check] })), own.signal);
      update((old) => ({ ...old, isRunning: false }));
    } catch (failure) {
      if (!isAbort(failure)) update((old) => ({ ...old, isRunning: false, failure }));
    }
  };
  // Checks of other settings say nothing about these.
  const shown = state?.statement === statement ? state : null;
  const failed = shown?.checks.some((check) => check.state === 'failed') ?? false;
  return (
    <section aria-label="Connection checks" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3">
        <Button kind="outline" disabled={statement === null || shown?.isRunning === true} onClick={() => void start()}>
          {shown?.isRunning ? 'Checking…' : shown === null ? 'Check the connection' : 'Check again'}
        </Button>
        <p role="status" className="text-xs text-text-2">
          {statement === null && missing}
          {shown !== null && !shown.isRunning && shown.failure === null && (failed ? 'One of the checks failed. You may go on and mend it later.' : 'Everything answers.')}
        </p>
      </div>
      {shown !== null && (
        <ol className="divide-y divide-line rounded-md border border-line bg-surface">
          {shown.checks.map((check) => (
            <CheckLine key={check.check} check={check} name={check.check === 'metadata' ? place : (NAMES[check.check] ?? check.check)} />
          ))}
          {shown.isRunning && (
            <li className="flex items-center gap-1.5 px-3 py-1.5 text-xs text-text-3">
              <CircleDashed size={13} aria-hidden />
              the next check is running
            </li>
          )}
        </ol>
      )}
      {shown?.failure != null && <Failure error={shown.failure} doing="checking the connection" />}
    </section>
  );
}

function CheckLine({ check, name }: { check: Check; name: string }) {
  const tone = check.state === 'ok' ? 'ok' : check.state === 'failed' ? 'crit' : 'idle';
  return (
    <li className="flex flex-col gap-0.5 px-3 py-1.5">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <Status tone={tone}>
          {name}
          <span className="sr-only">: {check.state}</span>
        </Status>
        <span className="min-w-0 flex-1 text-xs text-text-2 [overflow-wrap:anywhere]">{check.message}</span>
        {check.state !== 'skipped' && check.ms !== null && <span className="num text-2xs text-text-3">{formatDuration(check.ms)}</span>}
      </div>
      {check.state === 'failed' && check.hint && <p className="pl-[17px] text-xs text-text">{check.hint}</p>}
    </li>
  );
}
