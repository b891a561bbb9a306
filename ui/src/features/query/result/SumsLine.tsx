import { useMemo } from 'react';
import { formatExact } from '../../../lib/format';
import type { ResultTable } from '../../../lib/resultTable';
import { sumsOf } from './gridCells';
import { nCells, type Rectangle } from './gridSelection';

/** Under the grid: what the chosen cells add up to. */
export function SumsLine({ table, chosen, rowAt, nRows }: { table: ResultTable; chosen: Rectangle; rowAt: (index: number) => number; nRows: number }) {
  const isMany = nRows > 0 && nCells(chosen) > 1;
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the order of rows changes only together with the choice
  const sums = useMemo(() => (isMany ? sumsOf(table, chosen, rowAt) : null), [table, nRows, isMany, chosen.top, chosen.bottom, chosen.left, chosen.right]);
  if (!isMany) return null;
  return (
    <p role="status" className="num flex h-7 shrink-0 items-center gap-4 overflow-x-auto border-t border-line bg-canvas px-3 text-xs whitespace-nowrap text-text-2">
      <span>{formatExact(nCells(chosen))} cells</span>
      {sums === null && <span>too many to add up</span>}
      {sums !== null && sums.nNumbers > 0 && (
        <>
          <span>sum {withGroups(sums.sum)}</span>
          <span>average {rounded(sums.average)}</span>
          <span>lowest {rounded(sums.min)}</span>
          <span>highest {rounded(sums.max)}</span>
          {sums.nNumbers < sums.nCells && <span className="text-text-3">of {formatExact(sums.nNumbers)} numbers</span>}
        </>
      )}
    </p>
  );
}

function withGroups(exact: string): string {
  const [whole, fraction] = exact.split('.');
  return fraction === undefined || /e/i.test(exact) ? formatExact(exact) : `${formatExact(whole)}.${fraction}`;
}

function rounded(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 4 });
}
