/** Shortcuts. One table drives both what keys do and the sheet that explains them. */

import { useEffect } from 'react';
import { preferences } from './preferences';

export type Shortcut = {
  /** As `KeyboardEvent.key`; `g s` means one after the other, `mod+k` Ctrl or Command. */
  keys: string;
  does: string;
  run?: () => void;
};

const isMac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.platform);

/** Whether typing goes into the thing that has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Whether a single-key shortcut may act on this key press. */
export function mayAct(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return false;
  if (preferences().shortcuts === 'off' || isTyping(event.target)) return false;
  return document.querySelector('dialog[open]') === null;
}

/** A shortcut as it is printed on this machine's keyboard. */
export function printKeys(keys: string): string[] {
  return keys.split(' ').map((key) =>
    key
      .replace(/\+([a-z])$/, (_, letter: string) => `+${letter.toUpperCase()}`)
      .replace('mod+', isMac ? '⌘' : 'Ctrl ')
      .replace('shift+', isMac ? '⇧' : 'Shift ')
      .replace('alt+', isMac ? '⌥' : 'Alt ')
      .replace('enter', '↵')
      .replace('escape', 'Esc')
      .replace('space', 'Space'),
  );
}

const SEQUENCE_MS = 1200;

/** Acts on shortcuts of one key or two in a row while the component is shown. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    let first: string | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const press = (event: KeyboardEvent) => {
      const isMod = (isMac ? event.metaKey : event.ctrlKey) && !event.altKey;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (isMod) {
        const found = shortcuts.find((one) => one.keys === `mod+${key}`);
        if (found?.run) {
          event.preventDefault();
          found.run();
        }
        return;
      }
      if (!mayAct(event)) return;
      const name = key === ' ' ? 'space' : key.toLowerCase();
      const found = shortcuts.find((one) => one.keys === (first ? `${first} ${name}` : name) && one.run);
      clearTimeout(timer);
      first = null;
      if (found?.run) {
        event.preventDefault();
        found.run();
      } else if (shortcuts.some((one) => one.keys.startsWith(`${name} `))) {
        first = name;
        timer = setTimeout(() => {
          first = null;
        }, SEQUENCE_MS);
      }
    };
    addEventListener('keydown', press);
    return () => {
      removeEventListener('keydown', press);
      clearTimeout(timer);
    };
  }, [shortcuts]);
}
