import { clsx } from 'clsx';
import type { ReactNode } from 'react';

const TONES = { plain: 'bg-sunken text-text-2', warn: 'bg-warn-tint text-warn', crit: 'bg-crit-tint text-crit', ok: 'bg-ok-tint text-ok', info: 'bg-info-tint text-info' } as const;

/** A counter or a short label. */
export function Badge({ tone = 'plain', children, className }: { tone?: keyof typeof TONES; children: ReactNode; className?: string }) {
  return <span className={clsx('num rounded-sm px-1 text-2xs font-semibold', TONES[tone], className)}>{children}</span>;
}
