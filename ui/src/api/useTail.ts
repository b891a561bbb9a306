/** A live tail of one stream. */

import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { TAIL_ROWS_MAX, TailBuffer, type TailView } from '../lib/tail';
import type { ErrorBody } from './client';
import type { TailData } from './types';
import { useTopic } from './useLive';

export type Tail = {
  view: TailView;
  paused: boolean;
  setPaused: (paused: boolean) => void;
  /** Told by the table while somebody reads. */
  setReading: (reading: boolean) => void;
  /** Shows the newest rows again. */
  latest: () => void;
  /** How often `latest` was asked for; the table goes to its top each time. */
  jumps: number;
  clear: () => void;
  error: ErrorBody | null;
  /** Why the tail is over, for example because the stream was dropped. */
  ended: string | null;
};

/** Follows a stream; `where` is an SQL condition that the server applies. */
export function useTail(stream: string | null, where = '', rowsMax = TAIL_ROWS_MAX): Tail {
  const buffer = useMemo(() => new TailBuffer(rowsMax), [rowsMax, stream, where]);
  const view = useSyncExternalStore(buffer.subscribe, buffer.view);
  const [paused, setPaused] = useState(false);
  const [error, setError] = useState<ErrorBody | null>(null);
  const [ended, setEnded] = useState<string | null>(null);
  const [reading, setReading] = useState(false);
  const [jumps, setJumps] = useState(0);

  useEffect(() => {
    setError(null);
    setEnded(null);
  }, [buffer]);

  useEffect(() => buffer.hold(paused || reading), [buffer, paused, reading]);

  useTopic<TailData>(stream === null ? null : `stream/${stream}/tail`, {
    credit: TAIL_ROWS_MAX,
    cost: (data) => data.rows.length,
    where,
    onMessages(messages) {
      const rows = messages.flatMap((message) => (message.kind === 'snapshot' ? unknownIn(buffer.view(), message.data.rows) : message.data.rows));
      const skipped = messages.reduce((sum, message) => sum + (message.data.skipped ?? 0), 0);
      buffer.push(rows, skipped);
      if (error) setError(null);
    },
    onError: setError,
    onEnd: setEnded,
  });

  return {
    view,
    paused,
    setPaused,
    setReading,
    latest: () => {
      // Everything that waits comes in at once; where somebody still reads, the view is held again from there.
      buffer.hold(false);
      buffer.hold(reading);
      setPaused(false);
      setJumps((n) => n + 1);
    },
    jumps,
    clear: () => buffer.clear(),
    error,
    ended,
  };
}

/** A snapshot after a lost connection repeats rows that are shown already; only the others are new. */
function unknownIn(view: TailView, rows: TailData['rows']): TailData['rows'] {
  const place = (values: Record<string, unknown>) => `${String(values._partition)} ${String(values._offset)}`;
  const known = new Set(view.rows.map((row) => place(row.values)));
  return known.size === 0 ? rows : rows.filter((values) => !known.has(place(values)));
}
