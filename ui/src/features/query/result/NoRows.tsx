import { useQuery } from '@tanstack/react-query';
import { runSql } from '../../../api/sql';
import type { CatalogTable } from '../../../api/types';
import { askedOf, countingSql, culprits, readCounts, valuesSql, valuesText, type Asked, type Counts } from '../../../lib/emptyResult';
import { formatExact, formatTimestamp } from '../../../lib/format';
import { parametersFor, toServerSyntax } from '../../../lib/parameters';
import { usePreferences } from '../../../lib/preferences';
import { Empty } from '../../../ui/Empty';
import { useCatalog } from '../catalog/useCatalog';
import type { Run } from '../run/run';

const NO_TABLES: readonly CatalogTable[] = [];
/** More conditions than this nobody reads. */
const NAMED_MAX = 2;
/** A reason that takes longer to find is not worth what it costs the server. */
const REASON_WITHIN_MS = 8000;

/** Nothing to show, and why. */
export default function NoRows({ run }: { run: Run }) {
  if (run.phase === 'running') return <div className="min-h-0 flex-1" />;
  if (run.phase === 'cancelled') return <Empty title="Cancelled">Nothing had arrived yet, and nothing was changed.</Empty>;
  if (run.nColumns === 0) return <Empty title="Done">The statement has no rows to show.</Empty>;
  return (
    <div role="status">
      <Empty title="0 rows">
        <Why run={run} />
      </Empty>
    </div>
  );
}

function Why({ run }: { run: Run }) {
  const tables = useCatalog().data?.tables ?? NO_TABLES;
  const { zone } = usePreferences();
  const asked = askedOf(run.sql, tables);
  const reason = useQuery({
    queryKey: ['empty', run.sql, run.params ?? null, run.isLive ? null : run.id],
    queryFn: ({ signal }) => reasonFor(asked!, run, AbortSignal.any([signal, AbortSignal.timeout(REASON_WITHIN_MS)])),
    enabled: asked !== null,
    staleTime: 30_000,
    retry: false,
  });
  if (asked === null || reason.isError) {
    return (
      <>
        {/\b(where|having|on|using)\b/i.test(run.sql)
          ? 'The statement ran, and no row met its conditions. Take a condition away to see which of them leaves nothing.'
          : 'The statement ran, and there is nothing in what it reads.'}
      </>
    );
  }
  if (reason.data === undefined) return <>Looking for the reason…</>;
  const { counts, values } = reason.data;
  if (counts.n === 0) return <>{asked.table} holds no rows yet.</>;
  const blamed = culprits(counts);
  return (
    <div className="flex flex-col gap-2">
      {blamed.slice(0, NAMED_MAX).map((index) => (
        <p key={index}>
          <Text of={asked.conditions[index]?.text} />{' '}
          {(counts.without[index] ?? 0) > 0
            ? `leaves nothing: without it there would be ${rows(counts.without[index])}${asked.conditions.length > 1 ? ' that meet the rest' : ''}.`
            : 'is met by no row.'}{' '}
          <span className="[overflow-wrap:anywhere]">{values[index]}</span>
        </p>
      ))}
      {blamed.length === 0 && asked.conditions.length > 0 && (
        <>
          <p>Each condition is met by some rows, and no row meets all of them:</p>
          <ul className="list-disc pl-5">
            {asked.conditions.map(({ text }, index) => (
              <li key={text}>
                <Text of={text} /> {rows(counts.alone[index])}
              </li>
            ))}
          </ul>
        </>
      )}
      {asked.conditions.length === 0 && <p>{asked.hasHaving ? 'HAVING leaves no group.' : 'There are rows; LIMIT, OFFSET or HAVING leaves none of them.'}</p>}
      <p className="text-text-3">
        {asked.table} holds {rows(counts.n)}
        {counts.first !== null && counts.last !== null && `, which arrived from ${formatTimestamp(counts.first, zone)} to ${formatTimestamp(counts.last, zone)}`}.
      </p>
    </div>
  );
}

function Text({ of }: { of: string | undefined }) {
  return <code className="rounded-sm bg-sunken px-1 font-mono text-xs text-text [overflow-wrap:anywhere]">{of}</code>;
}

const rows = (n: number | undefined) => `${formatExact(n ?? 0)} ${n === 1 ? 'row' : 'rows'}`;

type Reason = { counts: Counts; values: Record<number, string> };

/** Counts first, then what the columns to blame hold instead. */
async function reasonFor(asked: Asked, run: Run, signal: AbortSignal): Promise<Reason> {
  const ask = async (sql: string) => (await runSql(toServerSyntax(sql), parametersFor(sql, run.params), signal)).data;
  const [row] = await ask(countingSql(asked));
  const counts = readCounts(row ?? {}, asked.conditions.length);
  const values: Record<number, string> = {};
  for (const index of counts.n > 0 ? culprits(counts).slice(0, NAMED_MAX) : []) {
    const sql = valuesSql(asked, index, (counts.without[index] ?? 0) > 0);
    const text = sql === null ? null : valuesText(await ask(sql), asked.conditions[index]?.column?.name ?? '');
    if (text !== null) values[index] = text;
  }
  return { counts, values };
}
