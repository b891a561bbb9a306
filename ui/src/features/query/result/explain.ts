/** Plans: what the server says a statement does, or did. */

import { useQuery } from '@tanstack/react-query';
import { requestWith } from '../../../api/client';
import { parametersToSend, toServerSyntax } from '../../../lib/parameters';
import { looksReadOnly } from '../../../lib/statement';

export type PlanStep = { depth: number; operator: string; detail: string; rows: number | null; time_ms: number | null };
export type Plan = { plan: PlanStep[]; findings: string[]; estimate: { rows: number | null; bytes: number | null; files: number | null } | null };

export type Explained = { sql: string; values: Readonly<Record<string, string>>; types: Readonly<Record<string, string | null>> };

/** Asks for a plan; `analyze` runs the statement to measure it. */
export function usePlan(what: Explained | null, analyze: boolean) {
  const sql = what?.sql ?? '';
  const params = what === null ? undefined : parametersToSend(sql, what.values, what.types);
  return useQuery({
    queryKey: ['plan', sql, params ?? null, analyze],
    queryFn: ({ signal }) => requestWith<Plan>('POST', '/api/v1/query/explain', { sql: toServerSyntax(sql), params, analyze }, { signal }),
    enabled: sql !== '' && looksReadOnly(sql) && !/^\s*(explain|show|describe)\b/i.test(sql),
    staleTime: analyze ? Infinity : 10_000,
    retry: false,
  });
}

export type TimedStep = PlanStep & { share: number };

/** Each step with its part of the time of all steps. */
export function timedSteps(plan: PlanStep[]): TimedStep[] {
  const total = plan.reduce((sum, step) => sum + (step.time_ms ?? 0), 0);
  return plan.map((step) => ({ ...step, share: total > 0 ? (step.time_ms ?? 0) / total : 0 }));
}
