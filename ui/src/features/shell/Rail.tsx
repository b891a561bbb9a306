import { Link } from '@tanstack/react-router';
import { usePulse } from '../../api/metrics';
import { formatCount } from '../../lib/format';
import { Badge } from '../../ui/Badge';
import { PAGES } from './pages';

const LOOK =
  'flex flex-1 flex-col items-center justify-center gap-0.5 py-1.5 text-2xs text-text-2 md:h-8 md:flex-none md:flex-row md:justify-start md:gap-2.5 md:rounded-md md:px-2 md:py-0 md:text-sm md:hover:bg-sunken aria-[current=page]:font-semibold aria-[current=page]:text-accent md:aria-[current=page]:bg-accent-tint';

/** The pages: a rail of words, a rail of icons where it is narrow, a bar at the bottom on a phone. */
export function Rail() {
  const { now } = usePulse();
  const quarantined = now?.n_quarantined ?? 0;
  const demo = now?.streams.find((stream) => stream.source.toLowerCase() === 'demo');
  return (
    <nav
      aria-label="Main"
      className="row-start-4 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:row-start-3 md:flex-col md:gap-0.5 md:border-t-0 md:border-r md:bg-canvas md:p-2 max-lg:md:px-1"
    >
      {PAGES.map(({ to, name, icon: Icon }) => (
        <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }} title={name} className={LOOK}>
          <Icon size={16} aria-hidden className="shrink-0" />
          <span className="max-lg:md:hidden">{name}</span>
          {to === '/quarantine' && quarantined > 0 && (
            <Badge tone="warn" className="ml-auto max-lg:hidden">
              {formatCount(quarantined)}
            </Badge>
          )}
        </Link>
      ))}
      {demo && (
        <div className="mt-auto hidden rounded-md border border-line bg-surface p-2 text-xs text-text-2 lg:block">
          <p className="font-semibold text-text">The demo stream is on.</p>
          <p>A made-up shop. </p>
          <Link to="/streams/new" className="font-medium text-accent underline">
            Connect your own
          </Link>
        </div>
      )}
    </nav>
  );
}
