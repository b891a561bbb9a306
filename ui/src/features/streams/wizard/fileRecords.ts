/** Files cut into records for the sample, and into pushes for the upload. */

export type FileKind = 'ndjson' | 'json' | 'csv';

/** A push larger than this would hold the page and the server up. */
const PUSH_BYTES_MAX = 4 * 1024 * 1024;
/** A JSON array must be read whole; larger ones are for the command line. */
export const ARRAY_BYTES_MAX = 48 * 1024 * 1024;
const SAMPLE_RECORDS = 200;

/** What a file is, from its beginning. Null where it is nothing a browser can cut, such as Parquet or gzip. */
export function kindOf(head: string): FileKind | null {
  const start = head.trimStart();
  // oxlint-disable-next-line no-control-regex -- control characters are how binary files show
  if (/[\u0000-\u0008\ufffd]/.test(head.slice(0, 2000))) return null;
  if (start.startsWith('[')) return 'json';
  if (start.startsWith('{')) return 'ndjson';
  const [first = ''] = start.split('\n');
  return /[,;\t]/.test(first) ? 'csv' : null;
}

/** The first records of a file, from its beginning. The last line may be cut off and is left out unless the file ends there. */
export function sampleOf(head: string, kind: FileKind, isWhole: boolean): string[] {
  if (kind === 'json') return isWhole ? elementsOf(head).slice(0, SAMPLE_RECORDS) : [];
  const lines = head.replace(/^\ufeff/, '').split(/\r?\n/);
  const whole = (isWhole ? lines : lines.slice(0, -1)).filter((line) => line.trim() !== '');
  if (kind === 'ndjson') return whole.slice(0, SAMPLE_RECORDS);
  return whole.slice(1, SAMPLE_RECORDS + 1);
}

/** The line of CSV that names its fields, and what stands between them. */
export function headerOf(head: string): { csvHeader: string; delimiter: string } {
  const [line = ''] = head.replace(/^\ufeff/, '').trimStart().split(/\r?\n/);
  const count = (delimiter: string) => line.split(delimiter).length;
  const delimiter = [',', ';', '\t'].reduce((best, each) => (count(each) > count(best) ? each : best), ',');
  return { csvHeader: line, delimiter };
}

/** The header with the fields called what their columns are. Fields that are quoted stay quoted. */
export function renamedHeader(header: string, delimiter: string, columns: readonly { path: string; name: string }[]): string {
  const fields = header.match(new RegExp(`("(?:[^"]|"")*"|[^${delimiter}]*)(${delimiter}|$)`, 'g')) ?? [];
  return fields
    .map((part) => {
      const end = part.endsWith(delimiter) ? delimiter : '';
      const written = part.slice(0, part.length - end.length);
      const field = written.trim().replace(/^"(.*)"$/, '$1').replaceAll('""', '"');
      const column = columns.find((each) => each.path === field && each.name !== field);
      return (column === undefined ? written : /[",;\t\n]/.test(column.name) ? `"${column.name.replaceAll('"', '""')}"` : column.name) + end;
    })
    .join('');
}

/** The elements of a JSON array as they are written, so that no digit of a number changes. */
export function elementsOf(text: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let from = -1;
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]|,|[^\s"[\]{},]+/g)) {
    const at = token.index;
    const [word] = token;
    if (depth === 1 && (word === ',' || word === ']')) {
      if (from >= 0) elements.push(text.slice(from, at).trim());
      from = -1;
    } else if (depth >= 1 && from < 0) from = at;
    if (word === '[' || word === '{') depth += 1;
    if (word === ']' || word === '}') depth -= 1;
  }
  return elements;
}

export type Push = { body: Blob; contentType: string; nBytes: number };

/** The pushes that bring a file in. Lines are never cut; each push of CSV begins with the header, or with the one given instead. */
export async function* pushesOf(file: Blob, kind: FileKind, otherHeader: string | null = null, pushBytes = PUSH_BYTES_MAX): AsyncGenerator<Push> {
  if (kind === 'json') {
    yield { body: file, contentType: 'application/json', nBytes: file.size };
    return;
  }
  const contentType = kind === 'csv' ? 'text/csv' : 'application/x-ndjson';
  const headerEnd = kind === 'csv' ? await endOfLine(file, 1) : 0;
  const header = otherHeader === null ? file.slice(0, headerEnd) : new Blob([`${otherHeader}\n`]);
  let at = 0;
  while (at < file.size) {
    const end = await endOfLine(file, Math.min(file.size, Math.max(headerEnd, at + pushBytes)));
    const piece = file.slice(Math.max(at, headerEnd), end);
    yield { body: kind === 'csv' ? new Blob([header, piece]) : piece, contentType, nBytes: end - at };
    at = end;
  }
}

/** The position behind the first line break at or after a position. */
async function endOfLine(file: Blob, from: number): Promise<number> {
  const step = 64 * 1024;
  for (let at = Math.max(0, from - 1); at < file.size; at += step) {
    const bytes = new Uint8Array(await file.slice(at, at + step).arrayBuffer());
    const found = bytes.indexOf(10);
    if (found >= 0) return at + found + 1;
  }
  return file.size;
}
