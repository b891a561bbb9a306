/**
 * The access token, kept for this browser tab only. Whoever needs one waits here until a person has typed it.
 */

const KEY = 'helios.token';

let current: string | null = read();
let waiting: (() => void)[] = [];
/** Whether the newest that was given was refused. */
let refusedOne = false;
const listeners = new Set<() => void>();

function read(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function tell(): void {
  for (const listener of listeners) listener();
}

export const token = {
  get: (): string | null => current,

  /** Whether a request waits for a token. */
  isNeeded: (): boolean => waiting.length > 0,

  /** Whether one was given that the server does not take. */
  isRefused: (): boolean => refusedOne && waiting.length > 0,

  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  set(value: string): void {
    current = value;
    try {
      sessionStorage.setItem(KEY, value);
    } catch {
      // Storage may be forbidden; the token then lasts until the page is left.
    }
    const resumed = waiting;
    waiting = [];
    for (const resume of resumed) resume();
    tell();
  },

  /** Waits until somebody gives a token other than `refused`; rejects when the request is given up meanwhile. */
  async replace(refused: string | null, signal?: AbortSignal | null): Promise<void> {
    if (current !== refused) return;
    refusedOne = refused !== null;
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        waiting = waiting.filter((one) => one !== resolve);
        tell();
        reject(signal?.reason);
      };
      if (signal?.aborted) return giveUp();
      signal?.addEventListener('abort', giveUp, { once: true });
      waiting.push(resolve);
      tell();
    });
  },
};
