/** What a person prefers, kept in this browser. */

import { useSyncExternalStore } from 'react';
import type { Zone } from './format';

export type Preferences = {
  theme: 'light' | 'dark' | 'system';
  density: 'compact' | 'comfortable';
  zone: Zone;
  /** Shortcuts of a single key can be switched off: they get in the way of speech input. */
  shortcuts: 'on' | 'off';
  /** How old data may be, in milliseconds, before a number says so. */
  target: '1000' | '5000' | '30000';
};

const DEFAULTS: Preferences = { theme: 'system', density: 'compact', zone: 'utc', shortcuts: 'on', target: '5000' };

function read(): Preferences {
  const found: Record<string, string> = { ...DEFAULTS };
  try {
    for (const key of Object.keys(DEFAULTS)) found[key] = localStorage.getItem(`helios.${key}`) ?? found[key] ?? '';
  } catch {
    // Storage may be forbidden; the defaults hold.
  }
  return found as Preferences;
}

let current = read();
const listeners = new Set<() => void>();
const darkSystem = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;

/** The theme that is shown: the person's, or the system's. */
export function shownTheme(): 'light' | 'dark' {
  if (current.theme !== 'system') return current.theme;
  return darkSystem?.matches ? 'dark' : 'light';
}

function apply(): void {
  document.documentElement.dataset.theme = shownTheme();
  document.documentElement.dataset.density = current.density;
  for (const listener of listeners) listener();
}

darkSystem?.addEventListener?.('change', apply);

export function setPreference<K extends keyof Preferences>(key: K, value: Preferences[K]): void {
  current = { ...current, [key]: value };
  try {
    localStorage.setItem(`helios.${key}`, value);
  } catch {
    // The choice then lasts until the page is left.
  }
  apply();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, () => current);
export const useShownTheme = (): 'light' | 'dark' => useSyncExternalStore(subscribe, shownTheme);
export const preferences = (): Preferences => current;

/** The value of a token of `tokens.css`, for canvases, which cannot use CSS variables. */
export const cssToken = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
