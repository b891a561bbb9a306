/**
 * The one WebSocket of this tab. Pages subscribe to topics; what arrives is handed out once per animation frame, and
 * only then is the server allowed to send more, so a slow page slows the server down instead of filling memory.
 */

import { parseExact } from '../lib/json';
import type { ErrorBody } from './client';
import { send } from './client';
import { token } from './token';

export type LiveMessage<T = unknown> = { kind: 'snapshot' | 'update'; seq: number; time: string; data: T };

export type Subscription<T> = {
  topic: string;
  /** How many credits the server may spend before it has to wait. */
  credit: number;
  /** What one message costs; a message costs one credit unless this says otherwise. */
  cost?: (data: T) => number;
  /** An SQL condition, for topics that filter rows. */
  where?: string;
  onMessages: (messages: LiveMessage<T>[]) => void;
  onError?: (error: ErrorBody) => void;
  onEnd?: (reason: string) => void;
};

export type LivePhase = 'idle' | 'connecting' | 'open' | 'lost';
export type LiveStatus = {
  phase: LivePhase;
  /** When this phase began, in milliseconds since the epoch. */
  since: number;
  /** When the next attempt is made, while the connection is lost. */
  retryAt: number | null;
  version: string | null;
};

/** The part of a WebSocket that is used here. */
export type Socket = {
  send(text: string): void;
  close(): void;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
};

export type LiveWorld = {
  connect: () => Socket;
  /** Calls back before the next paint. */
  frame: (callback: () => void) => void;
};

type Active = {
  id: number;
  wanted: Subscription<unknown>;
  seq: number | null;
  queue: LiveMessage[];
  ended: boolean;
  refused: boolean;
};

type ServerFrame =
  | { type: 'hello'; version: string; instance: string }
  | { type: 'snapshot' | 'update'; id: number; seq: number; time: string; data: unknown }
  | { type: 'error'; id: number | null; error: ErrorBody }
  | { type: 'end'; id: number; reason: string };

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 8000;
/** The metrics tick every second; this long without a frame means the line is dead even if nobody closed it. */
const SILENCE_MAX_MS = 15_000;
const HIDDEN_GRACE_MS = 5000;
/** What a server says of every topic when it is told to stop. */
const STOPPING = 'the server is stopping';

export class Live {
  private readonly world: LiveWorld;
  private readonly active = new Map<number, Active>();
  private readonly listeners = new Set<() => void>();
  private socket: Socket | null = null;
  private greeted = false;
  private instance: string | null = null;
  private nextId = 1;
  private attempts = 0;
  private frameAsked = false;
  private hidden = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private state: LiveStatus = { phase: 'idle', since: Date.now(), retryAt: null, version: null };

  constructor(world: LiveWorld) {
    this.world = world;
  }

  readonly status = (): LiveStatus => this.state;

  readonly onStatus = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Follows a topic until the returned function is called. */
  subscribe<T>(wanted: Subscription<T>): () => void {
    const one: Active = { id: this.nextId++, wanted: wanted as Subscription<unknown>, seq: null, queue: [], ended: false, refused: false };
    this.active.set(one.id, one);
    if (this.greeted) this.request(one);
    else if (!this.socket && !this.hidden) this.open();
    return () => {
      if (!this.active.delete(one.id) || one.ended || one.refused) return;
      if (this.greeted) this.tell({ type: 'unsubscribe', id: one.id });
    };
  }

  /** A hidden tab gives its connection back after a moment, and takes a snapshot when it is looked at again. */
  setHidden(hidden: boolean): void {
    clearTimeout(this.hiddenTimer);
    if (hidden) {
      this.hiddenTimer = setTimeout(() => {
        this.hidden = true;
        for (const one of this.active.values()) one.seq = null;
        this.drop();
        this.enter('idle');
      }, HIDDEN_GRACE_MS);
    } else if (this.hidden) {
      this.hidden = false;
      if (this.active.size > 0) this.open();
    }
  }

  /** Tries at once, for example because a token was given. */
  retryNow(): void {
    if (this.hidden || this.greeted || this.active.size === 0) return;
    this.drop();
    this.open();
  }

  private open(): void {
    clearTimeout(this.retryTimer);
    if (this.state.phase !== 'lost') this.enter('connecting');
    let socket: Socket;
    try {
      socket = this.world.connect();
    } catch {
      return this.lose();
    }
    this.socket = socket;
    socket.onmessage = (event) => {
      if (socket === this.socket && typeof event.data === 'string') this.receive(event.data);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.lose();
    };
    this.watchSilence();
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.greeted = false;
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    socket?.close();
  }

  private lose(): void {
    this.drop();
    const delay = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.attempts) * (0.75 + Math.random() / 2);
    this.attempts += 1;
    this.enter('lost', Date.now() + delay);
    this.retryTimer = setTimeout(() => this.open(), delay);
  }

  private receive(text: string): void {
    this.watchSilence();
    const frame = parseExact(text) as ServerFrame;
    switch (frame.type) {
      case 'hello':
        return this.greet(frame.version, frame.instance);
      case 'snapshot':
      case 'update': {
        const one = this.active.get(frame.id);
        if (!one) return;
        one.seq = frame.seq;
        one.queue.push({ kind: frame.type, seq: frame.seq, time: frame.time, data: frame.data });
        return this.askFrame();
      }
      case 'error': {
        const one = this.active.get(frame.id ?? 0);
        if (!one) return;
        // The server gives a subscription up after an error; it is asked for again when the line is new.
        one.refused = true;
        one.wanted.onError?.(frame.error);
        return;
      }
      case 'end': {
        const one = this.active.get(frame.id);
        // A server that stops ends its topics and then the line; the topics go on at the next one.
        if (!one || frame.reason === STOPPING) return;
        one.ended = true;
        this.hand(one);
        one.wanted.onEnd?.(frame.reason);
      }
    }
  }

  private greet(version: string, instance: string): void {
    // A server that was started anew counts from the beginning, so old numbers mean nothing to it.
    if (instance !== this.instance) for (const one of this.active.values()) one.seq = null;
    this.instance = instance;
    this.greeted = true;
    this.attempts = 0;
    this.state = { ...this.state, version };
    this.enter('open');
    for (const one of this.active.values()) if (!one.ended) this.request(one);
  }

  private request(one: Active): void {
    one.refused = false;
    const { topic, credit, where } = one.wanted;
    this.tell({ type: 'subscribe', id: one.id, topic, credit, after: one.seq ?? undefined, where: where || undefined });
  }

  private tell(message: Record<string, unknown>): void {
    this.socket?.send(JSON.stringify(message));
  }

  private askFrame(): void {
    if (this.frameAsked) return;
    this.frameAsked = true;
    this.world.frame(() => {
      this.frameAsked = false;
      for (const one of this.active.values()) this.hand(one);
    });
  }

  private hand(one: Active): void {
    if (one.queue.length === 0) return;
    const messages = one.queue;
    one.queue = [];
    one.wanted.onMessages(messages);
    const cost = one.wanted.cost ?? (() => 1);
    const n = messages.reduce((sum, message) => sum + cost(message.data), 0);
    if (n > 0 && this.greeted && !one.ended && !one.refused) this.tell({ type: 'credit', id: one.id, n });
  }

  private watchSilence(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.lose(), SILENCE_MAX_MS);
  }

  private enter(phase: LivePhase, retryAt: number | null = null): void {
    const since = phase === this.state.phase ? this.state.since : Date.now();
    this.state = { ...this.state, phase, since, retryAt };
    for (const listener of this.listeners) listener();
  }
}

function browserSocket(): Socket {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const given = token.get();
  // Browsers cannot set headers on a WebSocket, so the token travels as a second subprotocol.
  const protocols = given ? ['helios.v1', `helios.bearer.${encodeURIComponent(given)}`] : ['helios.v1'];
  return new WebSocket(`${scheme}://${location.host}/api/v1/live`, protocols) as unknown as Socket;
}

/** The connection of this tab. */
export const live = new Live({ connect: browserSocket, frame: (callback) => requestAnimationFrame(callback) });

/** Ties the connection to the page's visibility and to the token; called once at the start. */
export function startLive(): void {
  document.addEventListener('visibilitychange', () => live.setHidden(document.hidden));
  token.subscribe(() => live.retryNow());
  live.onStatus(() => {
    // A browser does not say why a WebSocket was refused; an ordinary request does, and asks for the token where that is why.
    if (live.status().phase === 'lost' && !token.isNeeded()) void send('/api/v1/checklist').catch(() => undefined);
  });
}
