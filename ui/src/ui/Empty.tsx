import { RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError, asApiError } from '../api/client';
import { Button } from './Button';
import { CopyButton } from './Code';
import { Status } from './Status';

/** Nothing to show: what this is, why it is empty, and what to do about it. */
export function Empty({ title, children, actions }: { title: ReactNode; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="flex flex-col items-start gap-2 p-4">
      <p className="text-base font-semibold">{title}</p>
      {children && <div className="max-w-prose text-sm text-text-2">{children}</div>}
      {actions && <div className="mt-1 flex flex-wrap gap-2">{actions}</div>}
    </div>
  );
}

function details(error: ApiError): string {
  return JSON.stringify({ code: error.code, message: error.message, hint: error.hint, request_id: error.requestId });
}

/** Something failed: what, what to do, and the number under which the server's log knows it. */
export function Failure({ error, doing, onRetry }: { error: unknown; doing: string; onRetry?: () => void }) {
  const known = asApiError(error);
  return (
    <div role="alert" className="flex flex-col items-start gap-1.5 p-4">
      <Status tone="crit">
        {doing}: {known.message}
      </Status>
      {known.hint && <p className="max-w-prose text-sm text-text-2">{known.hint}</p>}
      <div className="mt-1 flex flex-wrap items-center gap-2">
        {onRetry && (
          <Button kind="outline" onClick={onRetry}>
            <RotateCw size={14} aria-hidden />
            Try again
          </Button>
        )}
        <CopyButton text={details(known)} label="Copy details" />
        {known.requestId && <span className="font-mono text-2xs text-text-3">request {known.requestId}</span>}
      </div>
    </div>
  );
}
