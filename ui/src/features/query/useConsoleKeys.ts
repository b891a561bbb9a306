/** The console's own keys. Those of the editor are bound inside it. */

import { useEffect, useRef } from 'react';

export type ConsoleKeys = {
  newTab: () => void;
  closeTab: () => void;
  reopenTab: () => void;
  toTab: (index: number) => void;
  toEditor: () => void;
  toResult: () => void;
  toggleChart: () => void;
  toggleCatalogue: () => void;
  save: () => void;
  /** Returns whether there was something to cancel. */
  cancel: () => boolean;
};

/** Alt with a key, by its place on the keyboard: with Alt, many layouts write other characters. */
const ALT: Record<string, keyof ConsoleKeys> = {
  KeyT: 'newTab',
  KeyW: 'closeTab',
  ArrowUp: 'toEditor',
  ArrowDown: 'toResult',
  KeyC: 'toggleChart',
  KeyG: 'toggleCatalogue',
};

export function useConsoleKeys(keys: ConsoleKeys): void {
  const newest = useRef(keys);
  useEffect(() => {
    newest.current = keys;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('dialog[open]') !== null) return;
      if (act(newest.current, event)) event.preventDefault();
    };
    // Before the editor, where Alt and an arrow would move a line.
    const pressFirst = (event: KeyboardEvent) => {
      if (event.altKey && !event.shiftKey && (event.code === 'ArrowUp' || event.code === 'ArrowDown')) press(event);
    };
    addEventListener('keydown', pressFirst, { capture: true });
    addEventListener('keydown', press);
    return () => {
      removeEventListener('keydown', pressFirst, { capture: true });
      removeEventListener('keydown', press);
    };
  }, []);
}

function act(keys: ConsoleKeys, event: KeyboardEvent): boolean {
  if (event.key === 'Escape') return keys.cancel();
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
    keys.save();
    return true;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey) return false;
  if (event.shiftKey) {
    if (event.code === 'KeyT') keys.reopenTab();
    return event.code === 'KeyT';
  }
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (digit !== undefined) {
    keys.toTab(Number(digit) - 1);
    return true;
  }
  const name = ALT[event.code];
  if (name === undefined || name === 'toTab' || name === 'cancel') return false;
  keys[name]();
  return true;
}
