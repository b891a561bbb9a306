import { clsx } from 'clsx';
import type { QuarantineClass } from '../../api/quarantine';
import { formatCount } from '../../lib/format';
import { useNow } from '../../lib/useNow';
import { Badge } from '../../ui/Badge';
import { Ago } from '../../ui/Time';

/** A class is still happening when a record of it came within this time. */
const RECENT_MS = 60_000;

/** What is wrong, grouped; what appeared last comes first. */
export function ClassList({
  classes,
  chosen,
  showStream,
  onChoose,
}: {
  classes: readonly QuarantineClass[];
  chosen: QuarantineClass;
  showStream: boolean;
  onChoose: (one: QuarantineClass) => void;
}) {
  const now = useNow();
  return (
    <nav aria-label="Causes" className="overflow-clip rounded-lg border border-line bg-surface">
      <ul className="max-h-[calc(100dvh-140px)] overflow-auto max-lg:max-h-64">
        {classes.map((one) => {
          const current = one === chosen;
          const recent = now - Date.parse(one.last_seen) < RECENT_MS;
          return (
            <li key={`${one.stream} ${one.class}`} className="border-b border-line last:border-b-0">
              <button
                type="button"
                aria-current={current ? 'true' : undefined}
                onClick={() => onChoose(one)}
                className={clsx('flex w-full flex-col gap-0.5 px-3 py-2 text-left -outline-offset-2', current ? 'bg-accent-tint' : 'hover:bg-sunken')}
              >
                <span className="flex w-full items-baseline gap-2">
                  <span className="isolate-text min-w-0 truncate font-mono text-xs font-semibold">{one.path || 'the whole record'}</span>
                  <Badge tone={one.n_open > 0 ? 'warn' : 'ok'} className="ml-auto shrink-0">
                    {formatCount(one.n_open)}
                  </Badge>
                </span>
                <span className="line-clamp-2 text-sm [overflow-wrap:anywhere]">{one.reason}</span>
                <span className="text-xs text-text-3">
                  {showStream && <span className="isolate-text">{one.stream} · </span>}
                  first <Ago at={one.first_seen} now={now} /> ·{' '}
                  {recent ? (
                    <span className="font-medium text-warn">still happening{one.per_minute ? `, ${formatCount(one.per_minute)} a minute` : ''}</span>
                  ) : (
                    <>
                      last <Ago at={one.last_seen} now={now} />
                    </>
                  )}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
