import { Wand } from 'lucide-react';
import { Button } from '../../../ui/Button';
import { CopyButton } from '../../../ui/Code';
import { Status } from '../../../ui/Status';
import type { Problem } from '../editor/problem';
import type { Run } from '../run/run';

type Props = { run: Run; problem: Problem | null; onFix: (problem: Problem) => void; onRetry: () => void };

/** Why a statement failed, with the change that would mend it one click away. */
export function RunFailure({ run, problem, onFix, onRetry }: Props) {
  const { error } = run;
  if (error === null) return null;
  const fix = problem?.fix ?? null;
  const where = error.position === null ? '' : ` (line ${error.position.line}, column ${error.position.column} of the statement)`;
  return (
    <div role="alert" className="m-3 flex flex-col items-start gap-2 rounded-md border border-crit bg-crit-tint p-3">
      <Status tone="crit" className="items-start [overflow-wrap:anywhere]">
        {`${error.message}${where}`}
      </Status>
      {error.hint && <p className="max-w-prose text-sm text-text">{error.hint}</p>}
      <div className="flex flex-wrap items-center gap-2">
        {problem !== null && fix !== null && (
          <Button kind="primary" onClick={() => onFix(problem)}>
            <Wand size={14} aria-hidden />
            Use {fix.text}
          </Button>
        )}
        {error.code === 'unavailable' && (
          <Button kind="outline" onClick={onRetry}>
            Run it again
          </Button>
        )}
        <CopyButton text={JSON.stringify({ code: error.code, message: error.message, hint: error.hint, request_id: error.requestId, sql: run.sql })} label="Copy details" />
        {error.requestId && <span className="font-mono text-2xs text-text-2">request {error.requestId}</span>}
      </div>
    </div>
  );
}
