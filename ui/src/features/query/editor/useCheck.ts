/** What the server says about a statement before it runs: its parameters' types, its error, and what it would read. */

import { queryOptions, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { requestWith, type ErrorBody } from '../../../api/client';
import { toServerSyntax } from '../../../lib/parameters';

export type Checked = {
  statements: { start: number; end: number; kind: string; read_only: boolean }[];
  params: { name: string; type: string | null }[];
  columns: { name: string; type: string }[] | null;
  error: ErrorBody | null;
};

/** Typing rests this long before the server is asked. */
const REST_MS = 400;

export const checkQuery = (sql: string) =>
  queryOptions({
    queryKey: ['check', sql],
    queryFn: ({ signal }) => requestWith<Checked>('POST', '/api/v1/query/check', { sql: toServerSyntax(sql) }, { signal }),
    staleTime: 30_000,
    retry: false,
  });

/** The parameters' types by name. */
export function typesIn(checked: Checked | null): Record<string, string | null> {
  return Object.fromEntries((checked?.params ?? []).map(({ name, type }) => [name, type]));
}

export function useCheck(sql: string | null): Checked | null {
  const rested = useRested(sql ?? '');
  const checked = useQuery({ ...checkQuery(rested), enabled: rested !== '' });
  // An answer about another text would put marks where they do not belong.
  return rested === sql ? (checked.data ?? null) : null;
}

/** A value once it has stayed the same for a moment. */
export function useRested<T>(value: T, ms = REST_MS): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}
