import { clsx } from 'clsx';
import { CircleCheck, CirclePause, FastForward, OctagonX, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { StreamState } from '../api/types';

export type Tone = 'ok' | 'warn' | 'crit' | 'info' | 'idle';

const TONES = {
  ok: { icon: CircleCheck, colour: 'text-ok' },
  warn: { icon: TriangleAlert, colour: 'text-warn' },
  crit: { icon: OctagonX, colour: 'text-crit' },
  info: { icon: FastForward, colour: 'text-info' },
  idle: { icon: CirclePause, colour: 'text-text-3' },
} as const;

/** A state: always an icon, a word and a colour, so that none of the three has to be seen. */
export function Status({ tone, children, className }: { tone: Tone; children: ReactNode; className?: string }) {
  const { icon: Icon, colour } = TONES[tone];
  return (
    <span className={clsx('inline-flex items-center gap-1 text-xs font-medium', colour, className)}>
      <Icon size={13} aria-hidden className="shrink-0" />
      <span>{children}</span>
    </span>
  );
}

const STATES: Record<StreamState, { tone: Tone; word: string }> = {
  running: { tone: 'ok', word: 'Running' },
  catching_up: { tone: 'info', word: 'Catching up' },
  paused: { tone: 'idle', word: 'Paused' },
  degraded: { tone: 'warn', word: 'Degraded' },
  failed: { tone: 'crit', word: 'Failed' },
};

export const stateWord = (state: StreamState): string => STATES[state]?.word ?? state;

/** The state of a stream, in one of exactly five ways. */
export function StreamStatus({ state }: { state: StreamState }) {
  const { tone, word } = STATES[state] ?? { tone: 'idle' as const, word: state };
  return <Status tone={tone}>{word}</Status>;
}
