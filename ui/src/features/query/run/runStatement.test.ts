import { int64, tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ArrowMessage } from '../../../lib/arrow';
import { runStatement, type Statement } from './runStatement';

const statement: Statement = { id: 'q-1', sql: 'SELECT :n', params: { n: 1 }, isLive: false };

function rows(): Uint8Array {
  return tableToIPC(tableFromArrays({ n: [1n, 2n] }, { types: { n: int64() } }), { format: 'stream' }) ?? new Uint8Array();
}

/** A server whose answer to the statement has these bytes, and which says this about it afterwards. */
function serve(bytes: Uint8Array, about: unknown = {}, status = 200) {
  const asked: Request[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push(new Request(new URL(path, 'http://helios.test'), { method: init.method, headers: init.headers, body: init.body }));
    if (path !== '/api/v1/query') return init.method === 'DELETE' ? new Response(null, { status: 204 }) : Response.json(about, { status });
    return new Response(bytes.slice(), { headers: { 'x-freshness-ms': '41' } });
  });
  return asked;
}

/** Reads everything that comes, up to a number of messages. */
async function read(max = Infinity) {
  const kinds: string[] = [];
  let freshness: number | null = null;
  const onMessage = (message: ArrowMessage) => kinds.push(message.kind) < max;
  const outcome = await runStatement(statement, { onStart: (ms) => (freshness = ms), onMessage }, new AbortController().signal);
  return { ...outcome, kinds, freshness };
}

afterEach(() => vi.unstubAllGlobals());

describe('running a statement', () => {
  it('sends it in the server’s syntax under a name of its own, and reads it whole', async () => {
    const [asked] = [serve(rows())];
    expect(await read()).toEqual({ isWhole: true, kinds: ['schema', 'batch'], freshness: 41 });
    expect(asked[0]?.headers.get('x-query-id')).toBe('q-1');
    expect(asked[0]?.headers.get('x-helios-client')).toBe('console');
    expect(await asked[0]?.json()).toEqual({ sql: 'SELECT $n', params: { n: 1 }, format: 'arrow' });
  });

  it('cancels it on the server once enough was read', async () => {
    const asked = serve(rows());
    expect(await read(1)).toMatchObject({ isWhole: false, kinds: ['schema'] });
    expect(asked.map((each) => `${each.method} ${new URL(each.url).pathname}`)).toEqual(['POST /api/v1/query', 'DELETE /api/v1/queries/q-1']);
  });
});

describe('an answer that breaks off', () => {
  const cut = () => rows().subarray(0, rows().length - 8);

  it('says why, as the server knows it', async () => {
    serve(cut(), { state: 'failed', error: { code: 'exhausted', message: 'the query needs more than 1 GiB' } });
    await expect(read()).rejects.toMatchObject({ code: 'exhausted', message: 'the query needs more than 1 GiB' });
  });

  it('says that the server is gone where it is', async () => {
    serve(cut());
    const answer = globalThis.fetch;
    vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
      if (path !== '/api/v1/query') throw new TypeError('failed to fetch');
      return answer(path, init);
    });
    await expect(read()).rejects.toMatchObject({ message: 'the connection to the server was lost' });
  });

  it('is never taken for a whole one', async () => {
    serve(cut(), { state: 'finished' });
    await expect(read()).rejects.toMatchObject({ message: 'the answer broke off' });
  });
});
