import { clsx } from 'clsx';
import { ChevronRight } from 'lucide-react';
import type { StreamStage } from '../../../api/types';
import { formatCount, formatDuration, UNKNOWN } from '../../../lib/format';
import { Status } from '../../../ui/Status';

/** A stage is called slow when it adds at least this much, and more than all others. */
const SLOW_MS = 200;

/** The stage that adds most to the age of a record, if any adds much. */
export function slowest(stages: readonly StreamStage[]): string | null {
  let worst: { name: string; added: number } | null = null;
  let before = 0;
  for (const stage of stages) {
    if (stage.age_ms === null) continue;
    const added = stage.age_ms - before;
    before = Math.max(before, stage.age_ms);
    if (added >= SLOW_MS && added > (worst?.added ?? 0)) worst = { name: stage.name, added };
  }
  return worst?.name ?? null;
}

/** The way of a record from its source to a query, with the rate and the age at each stage. */
export function StageStrip({ stages }: { stages: readonly StreamStage[] }) {
  if (stages.length === 0) return null;
  const slow = slowest(stages);
  return (
    <section aria-label="Stages" className="overflow-x-auto rounded-lg border border-line bg-surface" tabIndex={0}>
      <ol className="flex min-w-max">
        {stages.map((stage, index) => (
          <li key={stage.name} className={clsx('relative flex min-w-36 flex-1 flex-col px-4 py-2.5', index > 0 && 'border-l border-line')}>
            {index > 0 && <ChevronRight size={14} aria-hidden className="absolute top-1/2 -left-[7px] -translate-y-1/2 bg-surface text-text-3" />}
            <span className="text-xs text-text-3 first-letter:uppercase">{stage.name}</span>
            <span className="num text-lg font-semibold">
              {stage.events_per_s === null ? UNKNOWN : formatCount(stage.events_per_s >= 10 ? Math.round(stage.events_per_s) : stage.events_per_s)}
              <span className="ml-1 text-xs font-normal text-text-3">/s</span>
            </span>
            <span className="num min-h-4 text-xs whitespace-nowrap text-text-2">
              <Age stage={stage} isSlow={stage.name === slow} isFirst={index === 0} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Age({ stage, isSlow, isFirst }: { stage: StreamStage; isSlow: boolean; isFirst: boolean }) {
  if (stage.age_ms === null) return <span className="text-text-3">no record lately</span>;
  if (isSlow) return <Status tone="warn">{formatDuration(stage.age_ms)} old, the slowest</Status>;
  return isFirst ? <span title="How old a record is counts from its arrival at the source">age counts from here</span> : <>{formatDuration(stage.age_ms)} old</>;
}
