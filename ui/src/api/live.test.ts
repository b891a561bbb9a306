import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live, type LiveMessage, type Socket } from './live';

/** The server's end of a connection. */
class Line implements Socket {
  readonly sent: Record<string, unknown>[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  say(frame: Record<string, unknown> | string) {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
  hello(instance = 'one') {
    this.say({ type: 'hello', version: '1.0', instance });
  }
  break() {
    this.onclose?.();
  }
}

function world() {
  const lines: Line[] = [];
  const frames: (() => void)[] = [];
  const live = new Live({
    connect() {
      const line = new Line();
      lines.push(line);
      return line;
    },
    frame: (callback) => frames.push(callback),
  });
  const paint = () => frames.splice(0).forEach((callback) => callback());
  const line = () => lines.at(-1) as Line;
  return { live, lines, line, paint };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const update = (id: number, seq: number, data: unknown) => ({ type: 'update', id, seq, time: '2026-11-21T00:00:00Z', data });

describe('Live', () => {
  it('opens one connection for all topics, and asks for them once it is greeted', () => {
    const { live, lines, line } = world();
    live.subscribe({ topic: 'metrics', credit: 5, onMessages: () => {} });
    live.subscribe({ topic: 'stream/a/tail', credit: 9, where: 'x > 1', onMessages: () => {} });
    expect(lines).toHaveLength(1);
    expect(line().sent).toEqual([]);
    line().hello();
    expect(line().sent).toEqual([
      { type: 'subscribe', id: 1, topic: 'metrics', credit: 5 },
      { type: 'subscribe', id: 2, topic: 'stream/a/tail', credit: 9, where: 'x > 1' },
    ]);
    expect(live.status()).toMatchObject({ phase: 'open', version: '1.0' });
  });

  it('hands messages out once a frame, and gives credit back only then', () => {
    const { live, line, paint } = world();
    const batches: LiveMessage<number[]>[][] = [];
    live.subscribe<number[]>({ topic: 't', credit: 10, cost: (rows) => rows.length, onMessages: (messages) => batches.push(messages) });
    line().hello();
    line().say(update(1, 1, [1, 2]));
    line().say(update(1, 2, [3]));
    expect(batches).toEqual([]);
    paint();
    expect(batches.map((batch) => batch.map((message) => message.data))).toEqual([[[1, 2], [3]]]);
    expect(line().sent.at(-1)).toEqual({ type: 'credit', id: 1, n: 3 });
  });

  it('resumes where it was at the same server, and starts anew at another', () => {
    const { live, line } = world();
    live.subscribe({ topic: 't', credit: 1, onMessages: () => {} });
    line().hello('one');
    line().say(update(1, 7, null));
    line().break();
    expect(live.status().phase).toBe('lost');
    vi.advanceTimersByTime(1000);
    line().hello('one');
    expect(line().sent).toEqual([{ type: 'subscribe', id: 1, topic: 't', credit: 1, after: 7 }]);
    line().break();
    vi.advanceTimersByTime(1000);
    line().hello('two');
    expect(line().sent).toEqual([{ type: 'subscribe', id: 1, topic: 't', credit: 1 }]);
  });

  it('waits longer after each failure, at most ten seconds', () => {
    const { live, line, lines } = world();
    live.subscribe({ topic: 't', credit: 1, onMessages: () => {} });
    for (let n = 0; n < 8; n++) {
      line().break();
      vi.advanceTimersByTime(10_000);
    }
    expect(lines).toHaveLength(9);
    line().break();
    const wait = (live.status().retryAt ?? 0) - Date.now();
    expect(wait).toBeGreaterThan(5000);
    expect(wait).toBeLessThanOrEqual(10_000);
  });

  it('gives up a line that is silent', () => {
    const { live, line, lines } = world();
    live.subscribe({ topic: 't', credit: 1, onMessages: () => {} });
    line().hello();
    vi.advanceTimersByTime(15_000);
    expect(lines[0]?.closed).toBe(true);
    expect(live.status().phase).toBe('lost');
  });

  it('lets go of the connection while the page is hidden, and takes a snapshot afterwards', () => {
    const { live, line, lines } = world();
    live.subscribe({ topic: 't', credit: 1, onMessages: () => {} });
    line().hello();
    line().say(update(1, 7, null));
    live.setHidden(true);
    vi.advanceTimersByTime(4000);
    live.setHidden(false);
    expect(lines[0]?.closed).toBe(false);
    live.setHidden(true);
    vi.advanceTimersByTime(5000);
    expect(lines[0]?.closed).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
    live.setHidden(false);
    line().hello();
    expect(line().sent).toEqual([{ type: 'subscribe', id: 1, topic: 't', credit: 1 }]);
  });

  it('says that a topic has ended, after its last rows, and asks no more of it', () => {
    const { live, line } = world();
    const told: unknown[] = [];
    const stop = live.subscribe({ topic: 't', credit: 1, onMessages: (messages) => told.push(messages.length), onEnd: (reason) => told.push(reason) });
    line().hello();
    line().say(update(1, 1, null));
    line().say({ type: 'end', id: 1, reason: 'stream dropped' });
    expect(told).toEqual([1, 'stream dropped']);
    stop();
    expect(line().sent).toHaveLength(1);
  });

  it('tells the topic what the server refused', () => {
    const { live, line } = world();
    const errors: string[] = [];
    live.subscribe({ topic: 't', credit: 1, onMessages: () => {}, onError: (error) => errors.push(error.message) });
    line().hello();
    line().say({ type: 'error', id: 1, error: { code: 'invalid', message: 'no such column' } });
    expect(errors).toEqual(['no such column']);
  });

  it('keeps every digit of 64-bit integers', () => {
    const { live, line, paint } = world();
    const seen: unknown[] = [];
    live.subscribe({ topic: 't', credit: 1, onMessages: (messages) => seen.push(...messages.map((message) => message.data)) });
    line().hello();
    line().say('{"type":"update","id":1,"seq":1,"time":"","data":{"n":9223372036854775807}}');
    paint();
    expect(seen).toEqual([{ n: '9223372036854775807' }]);
  });
});
