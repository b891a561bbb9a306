/** Records that did not become rows, grouped by what is wrong with them, and the statements that deal with them. */

import { queryOptions } from '@tanstack/react-query';
import { quoteName, quoteText } from '../lib/sqlText';
import { rowsOf } from './sql';

export type QuarantineClass = {
  stream: string;
  class: string;
  /** Without the values, which differ between the records of a class. */
  reason: string;
  path: string | null;
  n_records: number;
  n_open: number;
  first_seen: string;
  last_seen: string;
  per_minute: number | null;
};

export type QuarantinedRecord = {
  id: number | string;
  stream: string;
  commit: number | string;
  partition: string;
  position: string;
  time: string;
  reason: string;
  path: string | null;
  payload: string | null;
  payload_bytes: number;
  key: string | null;
  state: 'open' | 'replayed' | 'discarded';
  note: string | null;
};

/** What became, or would become, of some records. */
export type Outcome = { outcome: string; reason: string | null; path: string | null; n_records: number; sample: string | null };

const CLASSES_MAX = 500;
export const RECORDS_MAX = 200;

/** The classes of a stream, or of all; those with open records first, in an order that does not change while somebody reads. */
export const classesQuery = (stream: string | null) =>
  queryOptions({
    queryKey: ['quarantine', 'classes', stream],
    refetchInterval: 5000,
    queryFn: ({ signal }) =>
      rowsOf<QuarantineClass>(
        `SELECT stream, class, reason, path, n_records, n_open, first_seen, last_seen, per_minute FROM system.quarantine_classes
         ${stream === null ? '' : 'WHERE stream = $1'} ORDER BY n_open > 0 DESC, first_seen DESC, class LIMIT ${CLASSES_MAX}`,
        stream === null ? undefined : [stream],
        signal,
      ),
  });

/** The newest records of a class: those that are open, or, where none is, those that were dealt with. */
export const recordsQuery = (one: QuarantineClass) =>
  queryOptions({
    queryKey: ['quarantine', 'records', one.stream, one.class, one.n_open > 0],
    queryFn: ({ signal }) =>
      rowsOf<QuarantinedRecord>(
        `SELECT id, stream, commit, partition, position, time, reason, path, payload, payload_bytes, key, state, note
         FROM system.quarantine WHERE stream = $1 AND class = $2 ${one.n_open > 0 ? "AND state = 'open'" : ''} ORDER BY id DESC LIMIT ${RECORDS_MAX}`,
        [one.stream, one.class],
        signal,
      ),
  });

/** The statement that lists the records of a class. */
export const selectRecords = (one: QuarantineClass, columns = '*'): string =>
  `SELECT ${columns}\nFROM system.quarantine\nWHERE stream = ${quoteText(one.stream)} AND class = ${quoteText(one.class)}\nORDER BY id DESC`;

/** Which records a statement is about: one, or every open one of a class. */
export type Which = { one: QuarantineClass; id: number | string | null };

const whichClause = ({ one, id }: Which): string =>
  `${quoteName(one.stream)} WHERE ${id === null ? `class = ${quoteText(one.class)}` : `id = ${id}`}`;

/** `REPLAY QUARANTINE`, with a fix such as `SET price = NULL`, or without. */
export const replaySql = (which: Which, fix: string | null): string => `REPLAY QUARANTINE ${whichClause(which)}${fix ? ` WITH ${fix}` : ''}`;

export const discardSql = (which: Which, reason: string): string => `DISCARD QUARANTINE ${whichClause(which)} REASON ${quoteText(reason)}`;
