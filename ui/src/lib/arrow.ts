/**
 * Cuts an Arrow IPC stream into its messages while it arrives.
 *
 * flechette reads whole tables only. A schema message followed by one record batch is a whole table, so cutting the stream
 * at the borders of its messages is all that drawing rows as they come needs.
 */

export type MessageKind = 'schema' | 'dictionary' | 'batch' | 'other';

/** One message with its prefix and body, in memory of its own (aligned, and not holding the network's buffers). */
export type ArrowMessage = { kind: MessageKind; bytes: Uint8Array<ArrayBuffer>; dictionary: { id: bigint; isDelta: boolean } | null };

const CONTINUATION = 0xffffffff;
/** A length beyond this is no answer of ours but garbage, and must not be waited for. */
const MESSAGE_BYTES_MAX = 2 ** 31;

export class ArrowSplitter {
  #queue = new ByteQueue();
  #needed: number | null = null;
  #ended = false;

  /** Takes bytes as they come and gives the messages they complete. */
  push(chunk: Uint8Array): ArrowMessage[] {
    this.#queue.push(chunk);
    const messages: ArrowMessage[] = [];
    while (!this.#ended) {
      this.#needed ??= this.#measure();
      if (this.#needed === null || this.#queue.length < this.#needed) break;
      const bytes = this.#queue.take(this.#needed);
      this.#needed = null;
      messages.push(describe(bytes));
    }
    return messages;
  }

  /** Whether the stream came to its own end, and was not just cut off. */
  get complete(): boolean {
    return this.#ended;
  }

  /** The size of the next message, prefix and body included, once enough of it is here to know. */
  #measure(): number | null {
    const prefix = prefixOf(this.#queue);
    if (prefix === null) return null;
    if (prefix.metadata === 0) {
      this.#ended = true;
      return null;
    }
    const head = prefix.size + prefix.metadata;
    if (head > MESSAGE_BYTES_MAX) throw new Error('the answer is not an Arrow stream');
    if (this.#queue.length < head) return null;
    const body = bodyLength(this.#queue.peek(head).subarray(prefix.size));
    if (body < 0 || body > MESSAGE_BYTES_MAX) throw new Error('the answer is not an Arrow stream');
    return head + body;
  }
}

function prefixOf(queue: ByteQueue): { size: number; metadata: number } | null {
  if (queue.length < 4) return null;
  const first = uint32(queue.peek(4), 0);
  if (first !== CONTINUATION) return { size: 4, metadata: first };
  if (queue.length < 8) return null;
  return { size: 8, metadata: uint32(queue.peek(8), 4) };
}

function describe(bytes: Uint8Array<ArrayBuffer>): ArrowMessage {
  const start = uint32(bytes, 0) === CONTINUATION ? 8 : 4;
  const metadata = bytes.subarray(start);
  const message = new FlatTable(metadata, uint32(metadata, 0));
  const kind = (['other', 'schema', 'dictionary', 'batch'] as const)[message.uint8(1) ?? 0] ?? 'other';
  if (kind !== 'dictionary') return { kind, bytes, dictionary: null };
  const header = message.table(2);
  return { kind, bytes, dictionary: { id: header?.int64(0) ?? 0n, isDelta: header?.uint8(2) === 1 } };
}

function bodyLength(metadata: Uint8Array): number {
  return Number(new FlatTable(metadata, uint32(metadata, 0)).int64(3) ?? 0n);
}

/** Reads fields of a FlatBuffers table by their number: the little of that format which borders and kinds need. */
class FlatTable {
  #bytes: Uint8Array;
  #at: number;
  #vtable: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#vtable = at - view(bytes).getInt32(at, true);
  }

  #field(number: number): number | null {
    const size = view(this.#bytes).getUint16(this.#vtable, true);
    const slot = 4 + number * 2;
    if (slot >= size) return null;
    const offset = view(this.#bytes).getUint16(this.#vtable + slot, true);
    return offset === 0 ? null : this.#at + offset;
  }

  uint8(number: number): number | null {
    const at = this.#field(number);
    return at === null ? null : view(this.#bytes).getUint8(at);
  }

  int64(number: number): bigint | null {
    const at = this.#field(number);
    return at === null ? null : view(this.#bytes).getBigInt64(at, true);
  }

  table(number: number): FlatTable | null {
    const at = this.#field(number);
    return at === null ? null : new FlatTable(this.#bytes, at + uint32(this.#bytes, at));
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uint32(bytes: Uint8Array, at: number): number {
  return view(bytes).getUint32(at, true);
}

/** Bytes in the pieces they came in; copied once, when a message is whole. */
class ByteQueue {
  #chunks: Uint8Array[] = [];
  length = 0;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  /** The first bytes, which stay in the queue. */
  peek(size: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(size);
    let at = 0;
    for (const chunk of this.#chunks) {
      if (at === size) break;
      const part = chunk.subarray(0, size - at);
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  take(size: number): Uint8Array<ArrayBuffer> {
    const out = this.peek(size);
    let left = size;
    while (left > 0) {
      const first = this.#chunks[0];
      if (first === undefined) break;
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        left = 0;
      } else {
        this.#chunks.shift();
        left -= first.length;
      }
    }
    this.length -= size;
    return out;
  }
}
