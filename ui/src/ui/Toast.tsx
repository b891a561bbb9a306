import { X } from 'lucide-react';
import { useEffect, useSyncExternalStore } from 'react';
import { IconButton } from './Button';
import { Status, type Tone } from './Status';

/** The result of something the person just did; what happens in the background is shown where it belongs. */
export type Toast = { id: number; tone: Tone; text: string; action?: { label: string; run: () => void } };

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function put(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function toast(text: string, tone: Tone = 'ok', action?: Toast['action']): void {
  put([...toasts.slice(-2), { id: nextId++, tone, text, action }]);
}

const dismiss = (id: number) => put(toasts.filter((one) => one.id !== id));
const SHOWN_MS = 6000;

function One({ one }: { one: Toast }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(one.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [one.id]);
  return (
    <div className="flex items-center gap-3 rounded-lg border border-line-strong bg-raised py-1 pr-1 pl-3 shadow-pop">
      <Status tone={one.tone}>{one.text}</Status>
      {one.action && (
        <button type="button" className="text-sm font-medium text-accent underline" onClick={() => (one.action?.run(), dismiss(one.id))}>
          {one.action.label}
        </button>
      )}
      <IconButton label="Dismiss" onClick={() => dismiss(one.id)}>
        <X size={14} aria-hidden />
      </IconButton>
    </div>
  );
}

/** Where toasts appear; the shell shows it once. */
export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div role="status" aria-label="Messages" className="fixed right-3 bottom-16 z-40 flex max-w-[calc(100vw-24px)] flex-col gap-2 md:bottom-3">
      {shown.map((one) => (
        <One key={one.id} one={one} />
      ))}
    </div>
  );
}
