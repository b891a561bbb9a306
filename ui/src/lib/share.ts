/** Statements in an address: deflated and base64url, behind `#q=`, so that they never reach a server's log. */

/** A decompressed link larger than this is refused: a short address could otherwise fill the memory. */
const SQL_CHARS_MAX = 1_000_000;

/** The fragment for a statement, without `#`. */
export async function encodeFragment(sql: string): Promise<string> {
  return `q=${toBase64Url(await through(new TextEncoder().encode(sql), new CompressionStream('deflate-raw')))}`;
}

/** The statement in a fragment, or null where there is none or it is damaged. */
export async function decodeFragment(fragment: string): Promise<string | null> {
  const packed = new URLSearchParams(fragment.replace(/^#/, '')).get('q');
  if (packed === null || packed === '') return null;
  try {
    const bytes = await through(fromBase64Url(packed), new DecompressionStream('deflate-raw'), SQL_CHARS_MAX);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

async function through(bytes: Uint8Array<ArrayBuffer>, transform: CompressionStream | DecompressionStream, limit = Infinity): Promise<Uint8Array> {
  const writer = transform.writable.getWriter();
  // The reader below sees the same failure; a second, unheard report of it would be an unhandled rejection.
  const written = writer.write(bytes).then(() => writer.close()).catch(() => undefined);
  const reader = transform.readable.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error('the link holds too much text');
    }
    pieces.push(value);
  }
  await written;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
