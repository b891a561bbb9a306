/**
 * The rows of a live tail. While somebody reads, what they see stays as it is and new rows wait; what is never shown is
 * counted, so that the tail stays honest about it.
 */

export type TailRow = { id: number; values: Record<string, unknown> };

export type TailView = {
  /** Newest first. */
  rows: readonly TailRow[];
  /** Rows that arrived while the view was held. */
  waiting: number;
  /** Rows that were never shown: skipped by the server, or pushed out while the view was held. */
  skipped: number;
  received: number;
  held: boolean;
};

export const TAIL_ROWS_MAX = 2000;

export class TailBuffer {
  private readonly max: number;
  private readonly listeners = new Set<() => void>();
  private pending: TailRow[] = [];
  private nextId = 1;
  private current: TailView = { rows: [], waiting: 0, skipped: 0, received: 0, held: false };

  constructor(max = TAIL_ROWS_MAX) {
    this.max = max;
  }

  readonly view = (): TailView => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Takes rows, newest last, and how many the server left out. */
  push(rows: readonly Record<string, unknown>[], skipped = 0): void {
    const fresh = rows.map((values) => ({ id: this.nextId++, values })).reverse();
    const { current } = this;
    const received = current.received + rows.length;
    if (!current.held) {
      this.show({ ...current, rows: this.newest(fresh, current.rows), skipped: current.skipped + skipped, received });
      return;
    }
    const joined = [...fresh, ...this.pending];
    this.pending = joined.slice(0, this.max);
    const lost = joined.length - this.pending.length;
    this.show({ ...current, waiting: this.pending.length, skipped: current.skipped + skipped + lost, received });
  }

  /** Holds the view still, or lets everything that waits in. */
  hold(held: boolean): void {
    if (held === this.current.held) return;
    if (held) {
      this.show({ ...this.current, held: true });
    } else {
      const rows = this.newest(this.pending, this.current.rows);
      this.pending = [];
      this.show({ ...this.current, rows, waiting: 0, held: false });
    }
  }

  clear(): void {
    this.pending = [];
    this.show({ ...this.current, rows: [], waiting: 0, skipped: 0, received: 0 });
  }

  private newest(fresh: readonly TailRow[], old: readonly TailRow[]): TailRow[] {
    return fresh.length >= this.max ? fresh.slice(0, this.max) : [...fresh, ...old.slice(0, this.max - fresh.length)];
  }

  private show(next: TailView): void {
    this.current = next;
    for (const listener of this.listeners) listener();
  }
}
