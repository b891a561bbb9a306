import { describe, expect, it } from 'vitest';
import { FIRST, inside, isIn, moved, nCells, rectangle, type KeyPress, type Selection } from './gridSelection';

const size = { nRows: 100, nColumns: 5 };
const key = (name: string, part: Partial<KeyPress> = {}): KeyPress => ({ key: name, shift: false, mod: false, ...part });
const at = (row: number, column: number): Selection => ({ anchor: { row, column }, focus: { row, column } });

describe('keys', () => {
  it.each([
    ['ArrowDown', 1, 0],
    ['PageDown', 20, 0],
    ['End', 0, 4],
    ['ArrowUp', 0, 0],
  ])('%s goes from the first cell to %i, %i', (name, row, column) => {
    expect(moved(FIRST, key(name), size, 20)).toEqual(at(row, column));
  });

  it('reach the ends with the modifier, and never leave the grid', () => {
    expect(moved(at(3, 3), key('ArrowDown', { mod: true }), size, 20)).toEqual(at(99, 3));
    expect(moved(at(3, 3), key('Home', { mod: true }), size, 20)).toEqual(at(0, 0));
    expect(moved(at(98, 3), key('PageDown'), size, 20)).toEqual(at(99, 3));
  });

  it('extend with shift, and choose everything with mod+a', () => {
    expect(moved(at(3, 3), key('ArrowRight', { shift: true }), size, 20)).toEqual({ anchor: { row: 3, column: 3 }, focus: { row: 3, column: 4 } });
    const all = moved(at(3, 3), key('a', { mod: true }), size, 20);
    expect(all && nCells(rectangle(all))).toBe(500);
  });

  it('mean nothing in an empty grid, or when they are letters', () => {
    expect(moved(FIRST, key('ArrowDown'), { nRows: 0, nColumns: 5 }, 20)).toBeNull();
    expect(moved(FIRST, key('x'), size, 20)).toBeNull();
  });
});

it('knows its rectangle whichever way it was drawn', () => {
  const found = rectangle({ anchor: { row: 9, column: 1 }, focus: { row: 2, column: 4 } });
  expect(found).toEqual({ top: 2, bottom: 9, left: 1, right: 4 });
  expect(isIn(found, 2, 4)).toBe(true);
  expect(isIn(found, 1, 4)).toBe(false);
  expect(inside({ row: 500, column: -1 }, size)).toEqual({ row: 99, column: 0 });
});
