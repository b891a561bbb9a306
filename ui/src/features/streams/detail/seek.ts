/** Reading a stream from a place of its past, instead of following its newest rows. */

import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { rowsOf } from '../../../api/sql';
import { quoteName, quoteText } from '../../../lib/sqlText';
import { TAIL_ROWS_MAX, type TailView } from '../../../lib/tail';

/** Where reading begins: in the address as `oldest`, `ts:TIME` or `offset:PARTITION:POSITION`. */
export type Seek = { kind: 'oldest' } | { kind: 'time'; at: string } | { kind: 'position'; partition: string; from: string };

export const PAGE_ROWS = 200;

export function readSeek(text: string | undefined): Seek | null {
  if (text === 'oldest') return { kind: 'oldest' };
  const time = /^ts:(.+)$/.exec(text ?? '')?.[1];
  if (time !== undefined && !Number.isNaN(Date.parse(time))) return { kind: 'time', at: time };
  const place = /^offset:(.*):(-?\d+)$/s.exec(text ?? '');
  return place?.[1] !== undefined && place[2] !== undefined ? { kind: 'position', partition: place[1], from: place[2] } : null;
}

export function writeSeek(seek: Seek | null): string | undefined {
  if (seek === null) return undefined;
  if (seek.kind === 'oldest') return 'oldest';
  return seek.kind === 'time' ? `ts:${seek.at}` : `offset:${seek.partition}:${seek.from}`;
}

/** In words: where the rows begin. */
export function seekWords(seek: Seek): string {
  if (seek.kind === 'oldest') return 'From the oldest row';
  return seek.kind === 'time' ? `From ${new Date(seek.at).toISOString().replace('T', ' ').replace(/\.000Z$/, '')} UTC` : `From position ${seek.from} of partition ${seek.partition}`;
}

/** The rows from there on, oldest first. */
export function seekSql(stream: string, seek: Seek, where: string, nBefore: number): string {
  const conditions = where.trim() === '' ? [] : [`(${where.trim()})`];
  if (seek.kind === 'time') conditions.push(`_time >= TIMESTAMP ${quoteText(new Date(seek.at).toISOString())}`);
  if (seek.kind === 'position') conditions.push(`_partition = ${quoteText(seek.partition)}`, `_offset >= ${seek.from}`);
  const order = seek.kind === 'position' ? '_offset' : '_time, _partition, _offset';
  return [
    `SELECT *, _time, _partition, _offset, _key, _headers, _rest, _late, _commit FROM ${quoteName(stream)}`,
    ...(conditions.length > 0 ? [`WHERE ${conditions.join(' AND ')}`] : []),
    `ORDER BY ${order} LIMIT ${PAGE_ROWS}${nBefore > 0 ? ` OFFSET ${nBefore}` : ''}`,
  ].join(' ');
}

export type Sought = { view: TailView; isLoading: boolean; error: Error | null; more: (() => void) | null };

/** Page by page; nothing is asked while nobody seeks. */
export function useSeek(stream: string, seek: Seek | null, where: string): Sought {
  const pages = useInfiniteQuery({
    queryKey: ['seek', stream, writeSeek(seek) ?? '', where],
    enabled: seek !== null,
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) => rowsOf(seek === null ? '' : seekSql(stream, seek, where, pageParam), undefined, signal),
    getNextPageParam: (last, all) => (last.length < PAGE_ROWS || all.length * PAGE_ROWS >= TAIL_ROWS_MAX ? undefined : all.length * PAGE_ROWS),
    // What was read stays as it is, and is read anew by asking for it anew.
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  const view = useMemo<TailView>(() => {
    const rows = (pages.data?.pages ?? []).flat().map((values, index) => ({ id: -1 - index, values }));
    return { rows, waiting: 0, skipped: 0, received: rows.length, held: false };
  }, [pages.data]);
  return { view, isLoading: pages.isFetching, error: pages.error, more: pages.hasNextPage ? () => void pages.fetchNextPage() : null };
}
