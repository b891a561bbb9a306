/** The pulse of the server: one subscription shared by everything on the page that shows a number of it. */

import { useSyncExternalStore } from 'react';
import { appendPoints } from '../lib/ring';
import { live, type LiveMessage } from './live';
import type { Metrics, MetricsPoint } from './types';

/** Five minutes at one point a second. */
export const HISTORY_MAX = 300;
const RATES_MAX = 60;

export type Pulse = {
  now: Metrics | null;
  history: MetricsPoint[];
  /** Events a second of each stream over the last minute, for small lines in tables. */
  rates: ReadonlyMap<string, readonly (number | null)[]>;
  /** When the last number arrived, in milliseconds since the epoch. */
  receivedAt: number | null;
};

type Data = Metrics & { history?: MetricsPoint[] };

/** The pulse after these messages. */
export function advance(pulse: Pulse, messages: LiveMessage<Data>[], receivedAt: number): Pulse {
  let { now, history, rates } = pulse;
  for (const { kind, time, data } of messages) {
    now = data;
    // Streams that are gone leave no line behind, because only those of this tick are carried over.
    const before = rates;
    rates = new Map(data.streams.map((stream) => [stream.name, appendPoints(before.get(stream.name) ?? [], [stream.events_per_s ?? null], RATES_MAX)]));
    const point = { time, events_per_s: data.events_per_s, freshness_ms: data.freshness_ms };
    if (kind === 'snapshot') history = (data.history ?? []).slice(-HISTORY_MAX);
    else history = appendPoints(history, [point], HISTORY_MAX);
  }
  return { now, history, rates, receivedAt };
}

let pulse: Pulse = { now: null, history: [], rates: new Map(), receivedAt: null };
const listeners = new Set<() => void>();
let stop: (() => void) | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  stop ??= live.subscribe<Data>({
    topic: 'metrics',
    credit: 60,
    onMessages(messages) {
      pulse = advance(pulse, messages, Date.now());
      for (const one of listeners) one();
    },
  });
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    stop?.();
    stop = null;
  };
}

export function usePulse(): Pulse {
  return useSyncExternalStore(subscribe, () => pulse);
}
