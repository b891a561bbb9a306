import { Link } from '@tanstack/react-router';
import { Moon, Search, Sun } from 'lucide-react';
import { usePulse } from '../../api/metrics';
import { freshnessOf } from '../../api/types';
import { useLiveStatus } from '../../api/useLive';
import { formatCount, formatDuration } from '../../lib/format';
import { setPreference, useShownTheme } from '../../lib/preferences';
import { IconButton } from '../../ui/Button';
import { Kbd } from '../../ui/Kbd';

export function TopBar({ onSearch }: { onSearch: () => void }) {
  const theme = useShownTheme();
  return (
    <header className="col-span-full flex items-center gap-3 border-b border-line bg-surface px-3">
      <Link to="/" className="flex items-center gap-2 text-base font-semibold tracking-[-0.01em]">
        <Logo />
        Helios
      </Link>
      <button
        type="button"
        onClick={onSearch}
        className="ml-2 hidden h-7 w-72 items-center gap-2 rounded-md border border-control bg-canvas px-2 text-xs text-text-3 md:flex"
      >
        <Search size={13} aria-hidden />
        Search streams, queries, actions
        <span className="ml-auto" aria-hidden>
          <Kbd keys="mod+k" />
        </span>
      </button>
      <div className="ml-auto flex items-center gap-1">
        <LiveBadge />
        <IconButton label="Search" className="md:hidden" onClick={onSearch}>
          <Search size={16} aria-hidden />
        </IconButton>
        <IconButton label={theme === 'dark' ? 'Use light theme' : 'Use dark theme'} onClick={() => setPreference('theme', theme === 'dark' ? 'light' : 'dark')}>
          {theme === 'dark' ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
        </IconButton>
      </div>
    </header>
  );
}

function Logo() {
  return (
    <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path d="M5 20c4 0 4-8 8-8s4 8 8 8 3-4 6-4" stroke="var(--on-accent)" strokeWidth="3" fill="none" strokeLinecap="round" />
    </svg>
  );
}

/** Whether numbers are moving, and how fresh they are. Said in words elsewhere, so screen readers are spared the ticking. */
function LiveBadge() {
  const { phase } = useLiveStatus();
  const { now } = usePulse();
  const fresh = freshnessOf(now?.freshness_ms);
  if (phase !== 'open') return <span className="px-2 text-xs font-medium text-warn">{phase === 'lost' ? 'Not connected' : 'Connecting'}</span>;
  return (
    <span className="flex items-center gap-2 px-2 text-xs font-medium text-accent">
      <span className="live-dot" aria-hidden />
      Live
      {now && (
        <span className="num hidden font-normal text-text-2 sm:inline">
          {formatCount(Math.round(now.events_per_s))} events/s{fresh === null ? '' : ` · ${formatDuration(fresh)} fresh`}
        </span>
      )}
    </span>
  );
}
