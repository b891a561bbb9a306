import { decimal, float64, int64, tableFromArrays, tableToIPC, utf8 } from '@uwdata/flechette';
import { describe, expect, it } from 'vitest';
import { ArrowSplitter } from '../../../lib/arrow';
import { ResultTable } from '../../../lib/resultTable';
import { cellText, columnLook, exactOf, sortedRows, sumsOf, toTsv } from './gridCells';

function made(): ResultTable {
  const table = tableFromArrays(
    { id: [9007199254740993n, 1n, null], price: [1.5, 0.125, null], money: [10.25, 0.5, 1], name: ['b\t"x"', null, 'ä'] },
    { types: { id: int64(), price: float64(), money: decimal(10, 2), name: utf8() } },
  );
  const result = new ResultTable();
  for (const message of new ArrowSplitter().push(tableToIPC(table, { format: 'stream' }) ?? new Uint8Array())) result.add(message);
  return result;
}

const same = (row: number) => row;
const column = (index: number) => ({ top: 0, bottom: 2, left: index, right: index });

describe('text', () => {
  it('has the same number of decimals all down a column, and is exact when copied', () => {
    const table = made();
    const { decimals } = columnLook(table, 1);
    expect([0, 1, 2].map((row) => cellText(table, row, 1, decimals))).toEqual(['1.500', '0.125', null]);
    expect(exactOf(table, 0, 1)).toBe('1.5');
    expect(exactOf(table, 0, 0)).toBe('9007199254740993');
    expect(exactOf(table, 0, 2)).toBe('10.25');
  });

  it('copies as spreadsheets read it', () => {
    expect(toTsv(made(), { top: 0, bottom: 1, left: 0, right: 3 }, same)).toBe(
      'id\tprice\tmoney\tname\n9007199254740993\t1.5\t10.25\t"b\t""x"""\n1\t0.125\t0.50\t',
    );
    expect(toTsv(made(), { top: 0, bottom: 0, left: 3, right: 3 }, same)).toBe('b\t"x"');
  });
});

describe('sums', () => {
  it('are exact for integers and decimals', () => {
    expect(sumsOf(made(), column(0), same)).toMatchObject({ sum: '9007199254740994', nNumbers: 2, nCells: 3 });
    expect(sumsOf(made(), column(2), same)).toMatchObject({ sum: '11.75', min: 0.5, max: 10.25 });
    expect(sumsOf(made(), { ...column(0), right: 2 }, same)?.nNumbers).toBe(7);
    expect(sumsOf(made(), column(1), same)).toMatchObject({ sum: '1.625', average: 0.8125 });
    expect(sumsOf(made(), column(3), same)).toMatchObject({ nNumbers: 0 });
  });
});

it('sorts by any column, NULL last', () => {
  expect([...sortedRows(made(), 0, false)]).toEqual([1, 0, 2]);
  expect([...sortedRows(made(), 0, true)]).toEqual([0, 1, 2]);
  expect([...sortedRows(made(), 3, false)]).toEqual([2, 0, 1]);
});
