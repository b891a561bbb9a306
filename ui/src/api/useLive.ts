/** Live data for components. */

import { useEffect, useRef, useSyncExternalStore } from 'react';
import { live, type LiveMessage, type LiveStatus, type Subscription } from './live';

export function useLiveStatus(): LiveStatus {
  return useSyncExternalStore(live.onStatus, live.status);
}

type TopicOptions<T> = Omit<Subscription<T>, 'topic' | 'credit' | 'onMessages'> & {
  credit?: number;
  onMessages: (messages: LiveMessage<T>[]) => void;
};

/** Follows a topic while the component is shown; `null` follows nothing. The newest callbacks are used, whichever they are. */
export function useTopic<T>(topic: string | null, options: TopicOptions<T>): void {
  const newest = useRef(options);
  useEffect(() => {
    newest.current = options;
  });
  const { credit = 200, where } = options;
  useEffect(() => {
    if (topic === null) return;
    return live.subscribe<T>({
      topic,
      credit,
      where,
      cost: (data) => newest.current.cost?.(data) ?? 1,
      onMessages: (messages) => newest.current.onMessages(messages),
      onError: (error) => newest.current.onError?.(error),
      onEnd: (reason) => newest.current.onEnd?.(reason),
    });
  }, [topic, credit, where]);
}
