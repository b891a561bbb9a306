/** Requests to the server. Everything that can go wrong arrives as one kind of error that says what to do. */

import { parseExact } from '../lib/json';
import { token } from './token';

/** Where in a statement something is wrong; both count from 1, columns in characters. */
export type Position = { line: number; column: number };

export type ErrorBody = {
  code: string;
  message: string;
  hint?: string | null;
  position?: Position | null;
  request_id?: string;
};

export class ApiError extends Error {
  readonly code: string;
  readonly hint: string | null;
  readonly position: Position | null;
  readonly requestId: string | null;
  /** The HTTP status; 0 when the server was not reached. */
  readonly status: number;

  constructor(body: ErrorBody, status: number) {
    super(body.message);
    this.name = 'ApiError';
    this.code = body.code;
    this.hint = body.hint ?? null;
    this.position = body.position ?? null;
    this.requestId = body.request_id ?? null;
    this.status = status;
  }
}

/** An error of any origin, in the words of the app. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError({ code: 'unavailable', message, hint: 'Reload the page; if it stays, look at the server’s log.' }, 0);
}

/** Whether a request was given up on purpose, which is no error. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/**
 * Sends one request and returns the response once its status is good.
 * Where the server wants a token, a person is asked for it and the request is sent again.
 */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const used = token.get();
    const headers = new Headers(init.headers);
    if (used) headers.set('authorization', `Bearer ${used}`);
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ApiError(
        { code: 'unavailable', message: 'cannot reach the server', hint: 'It may be restarting. The page tries again by itself.' },
        0,
      );
    }
    if (response.status === 401) {
      await token.replace(used, init.signal);
      continue;
    }
    if (!response.ok) throw await failure(response);
    return response;
  }
}

/** Sends a request and reads its JSON answer; whole numbers too large for a double arrive as text. */
export async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await send(path, init);
  const text = await response.text();
  return (text ? parseExact(text) : null) as T;
}

/** Sends a JSON body. */
export function requestWith<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set('content-type', 'application/json');
  return request<T>(path, { ...init, method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as ErrorBody;
    if (typeof body.message === 'string') return new ApiError(body, response.status);
  } catch {
    // Not from Helios: a proxy in between answers in its own words.
  }
  const said = text.slice(0, 200) || response.statusText;
  return new ApiError({ code: 'unavailable', message: `the server answered ${response.status}: ${said}` }, response.status);
}
