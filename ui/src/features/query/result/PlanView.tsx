import { Gauge } from 'lucide-react';
import { useState } from 'react';
import { formatBytes, formatDuration, formatExact, plural, UNKNOWN } from '../../../lib/format';
import { Button } from '../../../ui/Button';
import { Empty, Failure } from '../../../ui/Empty';
import { Skeleton } from '../../../ui/Skeleton';
import { timedSteps, usePlan, type Explained, type Plan } from './explain';

/** How the server answers a statement: what stands out, in words, then every step. */
export default function PlanView({ what }: { what: Explained | null }) {
  const [measured, setMeasured] = useState<string | null>(null);
  const analyze = measured !== null && measured === what?.sql;
  const plan = usePlan(what, analyze);
  if (what === null) return <Empty title="No plan yet">Write a statement; its plan appears here without running it.</Empty>;
  if (plan.isError) return <Failure error={plan.error} doing="planning the statement" onRetry={() => void plan.refetch()} />;
  if (!plan.isFetched && plan.fetchStatus === 'idle') return <Empty title="No plan for this statement">Only questions have one; this statement changes something or describes.</Empty>;
  if (plan.data === undefined) return <Skeleton label="Planning the statement" rows={6} />;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-auto bg-surface p-3">
      <Findings plan={plan.data} />
      <Steps plan={plan.data} />
      <div className="flex items-center gap-3">
        <Button kind="outline" disabled={analyze && plan.isFetching} onClick={() => setMeasured(what.sql)}>
          <Gauge size={14} aria-hidden />
          {analyze ? 'Measured' : 'Run it and measure each step'}
        </Button>
        <p className="text-xs text-text-3">{analyze ? 'Times are of this one run; steps run side by side, so they may add up to more than it took.' : 'So far nothing was run.'}</p>
      </div>
    </div>
  );
}

function Findings({ plan }: { plan: Plan }) {
  const { estimate } = plan;
  const reads =
    estimate === null
      ? null
      : [
          estimate.rows === null ? null : `about ${plural(estimate.rows, 'row')}`,
          estimate.bytes === null ? null : formatBytes(estimate.bytes),
          estimate.files === null || estimate.files === 0 ? null : plural(estimate.files, 'file'),
        ].filter((part) => part !== null);
  return (
    <ul aria-label="What stands out" className="flex max-w-prose list-disc flex-col gap-1 pl-5 text-sm text-text">
      {reads !== null && reads.length > 0 && <li>It reads {reads.join(', ')}.</li>}
      {plan.findings.map((finding) => (
        <li key={finding}>{finding}</li>
      ))}
    </ul>
  );
}

function Steps({ plan }: { plan: Plan }) {
  const steps = timedSteps(plan.plan);
  const isMeasured = steps.some((step) => step.time_ms !== null);
  return (
    <div role="region" aria-label="Steps of the plan" tabIndex={0} className="min-w-0 shrink-0 overflow-x-auto rounded-md border border-line">
      <table className="w-full border-collapse text-xs">
        <thead>
          <tr className="h-7 bg-sunken text-left text-text-2">
            <th scope="col" className="px-3 font-semibold">Step</th>
            <th scope="col" className="px-3 font-semibold">Details</th>
            <th scope="col" className="px-3 text-right font-semibold">Rows</th>
            {isMeasured && <th scope="col" className="w-40 px-3 font-semibold">Time</th>}
          </tr>
        </thead>
        <tbody>
          {steps.map((step, index) => (
            <tr key={index} className="border-t border-line align-top">
              <th scope="row" className="px-3 py-1.5 text-left font-medium whitespace-nowrap">
                <span style={{ paddingLeft: step.depth * 14 }}>{step.operator}</span>
              </th>
              <td className="min-w-64 px-3 py-1.5 font-mono text-text-2 [overflow-wrap:anywhere]">{step.detail}</td>
              <td className="num px-3 py-1.5 text-right">{step.rows === null ? UNKNOWN : formatExact(step.rows)}</td>
              {isMeasured && (
                <td className="num px-3 py-1.5">
                  <span className="relative block">
                    <span aria-hidden className="absolute inset-y-0 left-0 rounded-sm bg-accent-tint" style={{ width: `${step.share * 100}%` }} />
                    <span className="relative pl-1">{formatDuration(step.time_ms)}</span>
                  </span>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
