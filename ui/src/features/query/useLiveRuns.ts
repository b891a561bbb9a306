/** Live: the statement in front is run again a moment after its last answer, while somebody looks. */

import { useEffect } from 'react';
import { toast } from '../../ui/Toast';
import type { Console } from './useConsole';

const PAUSE_MIN_MS = 1000;

export function useLiveRuns(console: Console | null, isLive: boolean, onStop: () => void): void {
  const newest = console?.runs?.newest;
  const phase = newest?.phase;
  const id = newest?.id;
  useEffect(() => {
    if (!isLive || console === null || phase === undefined || phase === 'running') return;
    if (phase !== 'finished') {
      onStop();
      if (phase === 'failed') toast('Live has stopped: the statement failed', 'warn');
      return;
    }
    // A statement that takes long is not run back to back: the server has others to answer.
    const pause = Math.max(PAUSE_MIN_MS, (newest?.elapsedMs ?? 0) * 2);
    const run = () => void console.runAgain({ isLive: true });
    let onShow: (() => void) | null = null;
    const timer = setTimeout(() => {
      if (!document.hidden) return run();
      onShow = () => !document.hidden && run();
      document.addEventListener('visibilitychange', onShow, { once: true });
    }, pause);
    return () => {
      clearTimeout(timer);
      if (onShow !== null) document.removeEventListener('visibilitychange', onShow);
    };
    // A new answer starts the next wait; everything else is read when that is over.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [isLive, id, phase]);
}
