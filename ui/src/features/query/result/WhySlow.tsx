import { usePulse } from '../../../api/metrics';
import { lagOf } from '../../../api/types';
import { formatCount } from '../../../lib/format';
import { usePlan, type Explained } from './explain';

/** After this long people begin to wonder. */
export const SLOW_AFTER_MS = 2000;

/** While a statement runs for long: what the plan and the streams' state say about why. */
export function WhySlow({ what }: { what: Explained }) {
  const plan = usePlan(what, false);
  const { now } = usePulse();
  const behind = (now?.streams ?? []).filter((stream) => stream.state === 'catching_up' && new RegExp(`\\b${stream.name}\\b`, 'i').test(what.sql));
  const reasons = [
    ...(plan.data?.findings ?? []),
    ...(plan.data?.estimate?.rows ? [`It reads about ${formatCount(plan.data.estimate.rows)} rows.`] : []),
    ...behind.map((stream) => `${stream.name} is catching up: ${formatCount(lagOf(stream))} records are still waiting at its source.`),
  ];
  if (reasons.length === 0) return null;
  return (
    <div className="border-b border-line bg-info-tint px-3 py-1.5 text-xs text-text">
      <span className="font-semibold">Why it takes long: </span>
      {reasons.slice(0, 3).join(' ')}
    </div>
  );
}
