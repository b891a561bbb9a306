import { useQuery } from '@tanstack/react-query';
import { rowsOf } from '../../api/sql';
import type { QuarantineClass } from '../../api/quarantine';
import { formatCount } from '../../lib/format';
import { Spark } from '../../ui/Spark';

const MINUTES = 30;

/** How many records of a cause came in each of the last minutes, oldest first; `now` and the minutes are in milliseconds. */
export function perMinute(rows: readonly { minute: string; n: number }[], now: number): number[] {
  const last = Math.floor(now / 60_000);
  const counts = Array.from({ length: MINUTES }, () => 0);
  for (const { minute, n } of rows) {
    const index = MINUTES - 1 - (last - Math.floor(Date.parse(minute) / 60_000));
    if (index >= 0 && index < MINUTES) counts[index] = Number(n);
  }
  return counts;
}

/** Whether a cause still happens, and how often, at a glance. */
export function ClassRate({ one }: { one: QuarantineClass }) {
  const rate = useQuery({
    queryKey: ['quarantine', 'rate', one.stream, one.class],
    refetchInterval: 15_000,
    queryFn: async ({ signal }) => {
      const rows = await rowsOf<{ minute: string; n: number }>(
        `SELECT date_trunc('minute', time) AS minute, count(*) AS n FROM system.quarantine
         WHERE stream = $1 AND class = $2 AND time > now() - INTERVAL '${MINUTES} minutes' GROUP BY 1`,
        [one.stream, one.class],
        signal,
      );
      return perMinute(rows, Date.now());
    },
  });
  const counts = rate.data ?? [];
  const most = Math.max(0, ...counts);
  return (
    <p className="num flex min-h-8 items-center gap-3 border-b border-line px-3 text-xs text-text-3">
      {most > 0 && <Spark values={counts} />}
      {rate.isSuccess && (most > 0 ? `at most ${formatCount(most)} a minute in the last ${MINUTES} minutes` : `none arrived in the last ${MINUTES} minutes`)}
    </p>
  );
}
