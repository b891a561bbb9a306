import { useMemo, useState } from 'react';
import type { QuarantinedRecord } from '../../api/quarantine';
import { drawnText } from '../../lib/drawnText';
import { formatBytes } from '../../lib/format';
import { layout } from '../../lib/jsonLayout';
import { Button } from '../../ui/Button';
import { CopyButton } from '../../ui/Code';

/** More than this is drawn only when it is asked for. */
const CHARS_MAX = 16_384;

/** A payload laid out for reading, with the value at fault marked. */
export function Payload({ record }: { record: QuarantinedRecord }) {
  const payload = record.payload ?? '';
  const [whole, setWhole] = useState(false);
  const cut = payload.length > CHARS_MAX && !whole;
  const pieces = useMemo(() => layout(cut ? payload.slice(0, CHARS_MAX) : payload, record.path), [payload, cut, record.path]);
  return (
    <div className="flex min-w-0 flex-col">
      <pre tabIndex={0} aria-label="Payload" className="max-h-[50dvh] overflow-auto p-3 font-mono text-xs leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]">
        {pieces.map((piece, index) =>
          piece.marked ? (
            <mark key={index} className="rounded-sm bg-crit-tint px-0.5 font-semibold text-crit">
              {lines(piece.text)}
              <span className="sr-only"> (this is at fault)</span>
            </mark>
          ) : (
            <span key={index}>{lines(piece.text)}</span>
          ),
        )}
      </pre>
      <footer className="flex flex-wrap items-center gap-2 border-t border-line px-2 py-1 text-xs text-text-3">
        <CopyButton text={payload} label="Copy the payload" />
        {cut && <Button onClick={() => setWhole(true)}>Show all {formatBytes(record.payload_bytes)}</Button>}
        {record.key && <span className="isolate-text font-mono">key {drawnText(record.key)}</span>}
      </footer>
    </div>
  );
}

/** Control characters made visible, line by line so that line breaks stay line breaks. */
const lines = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line.length < 300 ? drawnText(line) : line))
    .join('\n');
