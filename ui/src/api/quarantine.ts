/** Records that did not become rows, grouped by what is wrong with them. */

import { queryOptions } from '@tanstack/react-query';
import { rowsOf } from './sql';

export type QuarantineClass = {
  stream: string;
  class: string;
  reason: string;
  path: string | null;
  n_records: number;
  n_open?: number | null;
  first_seen: string;
  last_seen: string;
};

export type QuarantinedRecord = {
  stream: string;
  commit: number | string;
  partition: string;
  position: string;
  time: string;
  reason: string;
  path: string | null;
  payload: string;
  payload_bytes: number;
  key: string | null;
};

const CLASSES_MAX = 500;
export const RECORDS_MAX = 200;

/** Where the server does not name classes itself, equal reason and path are one. */
const GROUPED = `SELECT stream, reason || ' ' || coalesce(path, '') AS class, reason, path, count(*) AS n_records,
  min(time) AS first_seen, max(time) AS last_seen FROM system.quarantine`;

export const classesQuery = (stream: string | null, named: boolean) =>
  queryOptions({
    queryKey: ['quarantine', 'classes', stream, named],
    refetchInterval: 5000,
    queryFn: ({ signal }) => {
      const where = stream === null ? '' : ' WHERE stream = $1';
      const params = stream === null ? undefined : [stream];
      const sql = named
        ? `SELECT stream, class, reason, path, n_records, n_open, first_seen, last_seen FROM system.quarantine_classes${where} ORDER BY last_seen DESC LIMIT ${CLASSES_MAX}`
        : `${GROUPED}${where} GROUP BY stream, reason, path ORDER BY last_seen DESC LIMIT ${CLASSES_MAX}`;
      return rowsOf<QuarantineClass>(sql, params, signal);
    },
  });

/** The newest records of one class. */
export const recordsQuery = (one: QuarantineClass | null) =>
  queryOptions({
    queryKey: ['quarantine', 'records', one?.stream, one?.reason, one?.path],
    enabled: one !== null,
    queryFn: ({ signal }) => rowsOf<QuarantinedRecord>(recordsSql(RECORDS_MAX), one ? recordsParams(one) : [], signal),
  });

/** The condition that picks the records of a class. */
const CLASS_CONDITION = "stream = $1 AND reason = $2 AND coalesce(path, '') = $3";
const recordsParams = (one: QuarantineClass) => [one.stream, one.reason, one.path ?? ''];

function recordsSql(limit: number): string {
  return `SELECT stream, commit, partition, position, time, reason, path, payload, payload_bytes, key
    FROM system.quarantine WHERE ${CLASS_CONDITION} ORDER BY time DESC LIMIT ${limit}`;
}

/** All records of a class, for a download. */
export const allRecords = (one: QuarantineClass) => rowsOf<QuarantinedRecord>(recordsSql(100_000), recordsParams(one));
