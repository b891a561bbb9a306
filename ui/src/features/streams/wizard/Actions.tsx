import type { ReactNode } from 'react';
import { Button } from '../../../ui/Button';

/** At the end of each step: back, and on. */
export function Actions({ onBack, onNext, next = 'Continue', disabled = false, why, children }: { onBack?: () => void; onNext: () => void; next?: string; disabled?: boolean; why?: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-2 border-t border-line pt-3">
      {onBack !== undefined && (
        <Button kind="outline" onClick={onBack}>
          Back
        </Button>
      )}
      <Button kind="primary" disabled={disabled} onClick={onNext}>
        {next}
      </Button>
      {children}
      {disabled && why !== undefined && <p className="text-xs text-text-3">{why}</p>}
    </div>
  );
}
