/** A size that a person set, kept in this browser. */

import { useState } from 'react';

export function useStoredNumber(name: string, otherwise: number): [number, (value: number) => void] {
  const key = `helios.query.${name}`;
  const [value, setValue] = useState(() => {
    try {
      const kept = Number(localStorage.getItem(key));
      return Number.isFinite(kept) && kept > 0 ? kept : otherwise;
    } catch {
      return otherwise;
    }
  });
  const set = (next: number) => {
    setValue(next);
    try {
      localStorage.setItem(key, String(next));
    } catch {
      // Without storage the size lasts until the page is left.
    }
  };
  return [value, set];
}
