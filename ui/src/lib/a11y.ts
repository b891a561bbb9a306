/** Saying things to screen readers, and naming the page. */

import { useEffect } from 'react';

/** Names the page in the tab and in the browser's history. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Helios`;
  }, [title]);
}

/** Says something once, politely; the shell owns the place it is said in. */
export function announce(text: string): void {
  const place = document.getElementById('announcements');
  if (place) place.textContent = text;
}
