import { Outlet, useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useShortcuts } from '../../lib/keys';
import { Toasts } from '../../ui/Toast';
import { Palette } from './palette/Palette';
import { ConnectionStrip } from './ConnectionStrip';
import { PAGES } from './pages';
import { Rail } from './Rail';
import { ShortcutSheet } from './ShortcutSheet';
import { TokenDialog } from './TokenDialog';
import { TopBar } from './TopBar';

/** The frame around every page. */
export function Shell() {
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);
  const navigate = useNavigate();
  useFocusOnNavigation();
  const shortcuts = useMemo(
    () => [
      { keys: 'mod+k', does: 'Search and act', run: () => setPalette((open) => !open) },
      { keys: '?', does: 'Show all shortcuts', run: () => setSheet(true) },
      ...PAGES.map(({ to, name, keys }) => ({ keys, does: `Go to ${name}`, run: () => void navigate({ to }) })),
    ],
    [navigate],
  );
  useShortcuts(shortcuts);
  return (
    <div className="grid h-dvh grid-rows-[44px_auto_1fr_auto] md:grid-cols-[48px_1fr] md:grid-rows-[44px_auto_1fr] lg:grid-cols-[208px_1fr]">
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-raised focus:p-2"
      >
        Skip to content
      </a>
      <TopBar onSearch={() => setPalette(true)} />
      <ConnectionStrip />
      <Rail />
      <main id="main" tabIndex={-1} className="min-h-0 min-w-0 overflow-auto outline-none md:col-start-2 md:row-start-3">
        <Outlet />
      </main>
      <div id="announcements" aria-live="polite" className="sr-only" />
      <Palette open={palette} onClose={() => setPalette(false)} onShortcuts={() => setSheet(true)} />
      <ShortcutSheet open={sheet} onClose={() => setSheet(false)} />
      <TokenDialog />
      <Toasts />
    </div>
  );
}

/** After going to another page the focus goes to its content, so that keyboards and screen readers start there. */
function useFocusOnNavigation(): void {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe('onResolved', ({ fromLocation, pathChanged }) => {
        if (fromLocation && pathChanged && !document.querySelector('dialog[open]')) document.getElementById('main')?.focus({ preventScroll: true });
      }),
    [router],
  );
}
