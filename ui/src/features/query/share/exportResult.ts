/** The whole result as a file, and the statement as something to paste elsewhere. */

import { requestWith } from '../../../api/client';
import { toServerSyntax, type SentParameters } from '../../../lib/parameters';

export const EXPORT_FORMATS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['ndjson', 'NDJSON, one object a line'],
  ['parquet', 'Parquet'],
  ['arrow', 'Arrow IPC stream'],
] as const;

/** More rows than this belong into a file, and not into the clipboard. */
export const COPY_ROWS_MAX = 1000;

export type ExportFormat = (typeof EXPORT_FORMATS)[number][0];

/** Asks the server for the statement's whole result and lets the browser save it as it comes. */
export async function exportResult(sql: string, params: SentParameters, format: ExportFormat, title: string): Promise<void> {
  const { url } = await requestWith<{ url: string }>('POST', '/api/v1/exports', { sql: toServerSyntax(sql), params, format, filename: fileName(title, format) });
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName(title, format);
  document.body.append(link);
  link.click();
  link.remove();
}

/** A name every file system takes. */
export function fileName(title: string, format: ExportFormat): string {
  const slug = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60);
  return `${slug === '' ? 'result' : slug}.${format}`;
}

/** The request as a shell would send it. */
export function curlFor(origin: string, sql: string, params: SentParameters): string {
  const body = JSON.stringify({ sql: toServerSyntax(sql), ...(params === undefined ? {} : { params }), format: 'ndjson' });
  return `curl -H 'Content-Type: application/json' ${origin}/api/v1/query -d '${body.replaceAll("'", `'\\''`)}'`;
}
