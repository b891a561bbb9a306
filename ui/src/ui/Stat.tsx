import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** A strip of numbers that belong together. */
export function StatStrip({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section aria-label={label} className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border border-line bg-line lg:grid-cols-4">
      {children}
    </section>
  );
}

/** One number, larger than its name. `stale` greys it and says how old it is, instead of letting it look alive. */
export function Stat({ name, value, unit, note, stale }: { name: string; value: ReactNode; unit?: string; note?: ReactNode; stale?: string | null }) {
  return (
    <div className="min-w-0 bg-surface px-3 py-2.5">
      <div className="text-xs text-text-3">{name}</div>
      <div className={clsx('num mt-0.5 truncate text-2xl font-semibold tracking-[-0.02em]', stale && 'text-text-3')}>
        {value}
        {unit && <span className="ml-1 text-sm font-normal tracking-normal text-text-3">{unit}</span>}
      </div>
      <div className="mt-0.5 min-h-4 text-xs text-text-3">{stale ?? note}</div>
    </div>
  );
}
