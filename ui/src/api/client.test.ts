import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, request, requestWith } from './client';
import { token } from './token';

const answers = (...given: (Response | Error)[]) => {
  const asked: { path: string; headers: Headers }[] = [];
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push({ path, headers: new Headers(init.headers) });
    const next = given.shift();
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  });
  return asked;
};
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

afterEach(() => vi.unstubAllGlobals());

describe('request', () => {
  it('passes on what the server says is wrong, and where', async () => {
    answers(json({ code: 'invalid', message: 'unknown column', hint: 'Did you mean x?', position: { line: 2, column: 3 }, request_id: 'r1' }, 400));
    const error = await requestWith('POST', '/api/v1/query', {}).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'invalid', message: 'unknown column', hint: 'Did you mean x?', position: { line: 2, column: 3 }, requestId: 'r1', status: 400 });
  });

  it('says that the server cannot be reached', async () => {
    answers(new TypeError('Failed to fetch'));
    await expect(request('/x')).rejects.toMatchObject({ code: 'unavailable', status: 0 });
  });

  it('copes with what a proxy says in its own words', async () => {
    answers(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    await expect(request('/x')).rejects.toMatchObject({ status: 502, code: 'unavailable' });
  });

  it('asks for a token when the server wants one, and sends the request again with it', async () => {
    const asked = answers(new Response('', { status: 401 }), json({ ok: true }));
    const answer = request('/x');
    await vi.waitFor(() => expect(token.isNeeded()).toBe(true));
    token.set('secret');
    await expect(answer).resolves.toEqual({ ok: true });
    expect(asked.map(({ headers }) => headers.get('authorization'))).toEqual([null, 'Bearer secret']);
    expect(token.isNeeded()).toBe(false);
  });

  it('stops waiting for a token when the request is given up', async () => {
    answers(new Response('', { status: 401 }));
    const stop = new AbortController();
    const answer = request('/x', { signal: stop.signal });
    const failed = expect(answer).rejects.toBeDefined();
    await vi.waitFor(() => expect(token.isNeeded()).toBe(true));
    stop.abort();
    await failed;
    expect(token.isNeeded()).toBe(false);
  });
});
