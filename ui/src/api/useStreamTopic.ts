/** One stream, renewed every second: its detail, and five minutes of history. */

import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { appendPoints } from '../lib/ring';
import { ApiError, type ErrorBody } from './client';
import { HISTORY_MAX } from './metrics';
import { streamQuery } from './streams';
import type { MetricsPoint, StreamDetail } from './types';
import { useTopic } from './useLive';

type Data = StreamDetail & { history?: MetricsPoint[] };

export type StreamNow = {
  stream: StreamDetail | null;
  history: MetricsPoint[];
  /** Why the stream is gone, if it is. */
  gone: string | null;
  error: unknown;
  retry: () => void;
};

export function useStream(name: string): StreamNow {
  const first = useQuery(streamQuery(name));
  const [stream, setStream] = useState<StreamDetail | null>(null);
  const [history, setHistory] = useState<MetricsPoint[]>([]);
  const [gone, setGone] = useState<string | null>(null);
  const [error, setError] = useState<ErrorBody | null>(null);

  useEffect(() => {
    setStream(null);
    setHistory([]);
    setGone(null);
    setError(null);
  }, [name]);

  const missing = first.error instanceof ApiError && first.error.status === 404;
  useTopic<Data>(missing ? null : `stream/${name}/metrics`, {
    credit: 30,
    onMessages(messages) {
      for (const { kind, time, data } of messages) {
        setStream(data);
        if (kind === 'snapshot') setHistory((data.history ?? []).slice(-HISTORY_MAX));
        else setHistory((old) => appendPoints(old, [{ time, events_per_s: data.events_per_s ?? null, freshness_ms: data.freshness_ms ?? null }], HISTORY_MAX));
      }
      setError(null);
    },
    onError: setError,
    onEnd: setGone,
  });

  const known = stream ?? first.data ?? null;
  return {
    // The topic leaves out what never changes by itself, so the two are laid over each other.
    stream: known && first.data ? { ...first.data, ...known } : known,
    history,
    gone: gone ?? (error?.code === 'not_found' && first.data ? error.message : null),
    error: known ? null : (first.error ?? (error && new ApiError(error, 0))),
    retry: () => void first.refetch(),
  };
}
