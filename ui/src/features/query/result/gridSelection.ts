/** The chosen cells of a grid: a rectangle between an anchor and the cell the keyboard is on. */

export type Cell = { row: number; column: number };
export type Selection = { anchor: Cell; focus: Cell };
export type Size = { nRows: number; nColumns: number };
export type Rectangle = { top: number; bottom: number; left: number; right: number };

export const FIRST: Selection = { anchor: { row: 0, column: 0 }, focus: { row: 0, column: 0 } };

export type KeyPress = { key: string; shift: boolean; mod: boolean };

/** The selection after a key; null where the key means nothing here. `page` is how many rows are in sight. */
export function moved(selection: Selection, press: KeyPress, size: Size, page: number): Selection | null {
  if (size.nRows === 0 || size.nColumns === 0) return null;
  if (press.mod && press.key.toLowerCase() === 'a') {
    return { anchor: { row: 0, column: 0 }, focus: { row: size.nRows - 1, column: size.nColumns - 1 } };
  }
  const step = stepOf(press, size, page);
  if (step === null) return null;
  const focus = inside({ row: selection.focus.row + step.row, column: selection.focus.column + step.column }, size);
  return { anchor: press.shift ? selection.anchor : focus, focus };
}

function stepOf({ key, mod }: KeyPress, size: Size, page: number): Cell | null {
  const far = mod ? Math.max(size.nRows, size.nColumns) : 1;
  switch (key) {
    case 'ArrowDown':
      return { row: far, column: 0 };
    case 'ArrowUp':
      return { row: -far, column: 0 };
    case 'ArrowRight':
      return { row: 0, column: far };
    case 'ArrowLeft':
      return { row: 0, column: -far };
    case 'PageDown':
      return { row: page, column: 0 };
    case 'PageUp':
      return { row: -page, column: 0 };
    case 'Home':
      return { row: mod ? -size.nRows : 0, column: -size.nColumns };
    case 'End':
      return { row: mod ? size.nRows : 0, column: size.nColumns };
    default:
      return null;
  }
}

/** A cell that exists. */
export function inside(cell: Cell, size: Size): Cell {
  return {
    row: Math.max(0, Math.min(size.nRows - 1, cell.row)),
    column: Math.max(0, Math.min(size.nColumns - 1, cell.column)),
  };
}

export function rectangle({ anchor, focus }: Selection): Rectangle {
  return {
    top: Math.min(anchor.row, focus.row),
    bottom: Math.max(anchor.row, focus.row),
    left: Math.min(anchor.column, focus.column),
    right: Math.max(anchor.column, focus.column),
  };
}

export function isIn({ top, bottom, left, right }: Rectangle, row: number, column: number): boolean {
  return top <= row && row <= bottom && left <= column && column <= right;
}

export function nCells({ top, bottom, left, right }: Rectangle): number {
  return (bottom - top + 1) * (right - left + 1);
}
