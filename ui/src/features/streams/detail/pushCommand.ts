/** How a person pushes one record to try a stream. */

import type { StreamDetail } from '../../../api/types';

/** A command that sends one record with the stream's own columns. */
export function pushCommand(stream: StreamDetail): string {
  const example = (type: string) => (/INT|DOUBLE|REAL|DECIMAL/i.test(type) ? 1 : /BOOL/i.test(type) ? true : /^TIMESTAMP/i.test(type) ? new Date().toISOString() : 'text');
  const columns = (stream.columns ?? []).filter((column) => !/^(STRUCT|ARRAY|JSON)/i.test(column.type)).slice(0, 6);
  const record = columns.length > 0 ? Object.fromEntries(columns.map((column) => [column.name, example(column.type)])) : { id: 1, name: 'text' };
  const body = JSON.stringify(record).replaceAll("'", "'\\''");
  return `curl -H 'Content-Type: application/json' \\\n  -d '${body}' \\\n  ${location.origin}/v1/streams/${stream.name}/records`;
}
