import { formatBytes, formatExact } from '../../../lib/format';
import { ButtonLink } from '../../../ui/Button';
import { Status } from '../../../ui/Status';
import type { UploadState } from './upload';

/** How far a file has come in, and what became of its records. */
export function UploadProgress({ name, state, isDone }: { name: string; state: UploadState; isDone: boolean }) {
  const told = `${formatExact(state.stored)} stored, ${formatExact(state.quarantined)} in quarantine`;
  return (
    <div className="flex max-w-xl flex-col gap-2">
      <progress aria-label="Upload" className="h-1.5 w-full accent-[var(--accent)]" value={state.nBytes} max={Math.max(1, state.sizeBytes)} />
      <p role="status" className="text-sm">
        {isDone ? <Status tone={state.quarantined === 0 ? 'ok' : 'warn'}>{`The file is in: ${told}.`}</Status> : `${formatBytes(state.nBytes)} of ${formatBytes(state.sizeBytes)}: ${told} so far.`}
      </p>
      {isDone && (
        <div>
          <ButtonLink kind="primary" to="/streams/$name" params={{ name }}>
            Go to {name}
          </ButtonLink>
        </div>
      )}
    </div>
  );
}
