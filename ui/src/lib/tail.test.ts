import { describe, expect, it } from 'vitest';
import { TailBuffer } from './tail';

const rows = (...ns: number[]) => ns.map((n) => ({ n }));
const shown = (tail: TailBuffer) => tail.view().rows.map((row) => row.values.n);

describe('TailBuffer', () => {
  it('shows the newest row first and keeps only so many', () => {
    const tail = new TailBuffer(3);
    tail.push(rows(1, 2));
    tail.push(rows(3, 4));
    expect(shown(tail)).toEqual([4, 3, 2]);
    expect(tail.view()).toMatchObject({ received: 4, skipped: 0, waiting: 0 });
  });

  it('does not move while it is held, and lets everything in afterwards', () => {
    const tail = new TailBuffer(4);
    tail.push(rows(1, 2));
    tail.hold(true);
    const before = tail.view().rows;
    tail.push(rows(3));
    expect(tail.view().rows).toBe(before);
    expect(tail.view().waiting).toBe(1);
    tail.hold(false);
    expect(shown(tail)).toEqual([3, 2, 1]);
    expect(tail.view().waiting).toBe(0);
  });

  it('counts what it could not keep while held, and what the server left out', () => {
    const tail = new TailBuffer(2);
    tail.hold(true);
    tail.push(rows(1, 2, 3), 10);
    expect(tail.view()).toMatchObject({ waiting: 2, skipped: 11, received: 3 });
    tail.hold(false);
    expect(shown(tail)).toEqual([3, 2]);
  });

  it('keeps the names of rows stable', () => {
    const tail = new TailBuffer(10);
    tail.push(rows(1));
    const [first] = tail.view().rows;
    tail.push(rows(2));
    expect(tail.view().rows[1]).toBe(first);
  });
});
