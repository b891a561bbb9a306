import { useMemo, useState } from 'react';
import { formatBytes, formatExact } from '../../../lib/format';
import type { ResultTable } from '../../../lib/resultTable';
import { Button } from '../../../ui/Button';
import { CopyButton } from '../../../ui/Code';
import { Dialog } from '../../../ui/Dialog';
import { exactOf } from './gridCells';

/** Drawing more than this at once would hold the page up. */
const SHOWN_CHARS = 100_000;

type Props = { open: boolean; onClose: () => void; table: ResultTable; row: number; column: number; shownRow: number };

/** One cell, whole: every character of it, however long, and JSON laid out. */
export default function CellViewer({ open, onClose, table, row, column, shownRow }: Props) {
  const described = table.columns[column];
  return (
    <Dialog open={open && described !== undefined} title={<span className="isolate-text">{described?.name ?? ''}</span>} onClose={onClose} wide>
      {open && described !== undefined && <Content text={exactOf(table, row, column)} typeName={described.typeName} rowNumber={shownRow + 1} />}
    </Dialog>
  );
}

function Content({ text, typeName, rowNumber }: { text: string | null; typeName: string; rowNumber: number }) {
  const [isRaw, setRaw] = useState(false);
  const [isWhole, setWhole] = useState(false);
  const laidOut = useMemo(() => (text === null ? null : layOutJson(text)), [text]);
  if (text === null) return <p className="text-text-2">Row {formatExact(rowNumber)} has no value here: it is NULL, not an empty text.</p>;
  const shown = laidOut !== null && !isRaw ? laidOut : text;
  return (
    <>
      <div className="flex flex-wrap items-center gap-2 text-xs text-text-2">
        <span className="num">
          Row {formatExact(rowNumber)} · <span className="font-mono">{typeName}</span> · {formatExact(text.length)} characters · {formatBytes(new Blob([text]).size)}
        </span>
        <span className="ml-auto flex gap-1">
          {laidOut !== null && <Button onClick={() => setRaw(!isRaw)}>{isRaw ? 'Lay out' : 'As stored'}</Button>}
          <CopyButton text={text} />
        </span>
      </div>
      <pre
        tabIndex={0}
        dir="auto"
        aria-label="Value of the cell"
        className="max-h-[60vh] overflow-auto rounded-md border border-line bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]"
      >
        {visibleControls(isWhole ? shown : shown.slice(0, SHOWN_CHARS))}
      </pre>
      {shown.length > SHOWN_CHARS && !isWhole && (
        <div>
          <Button kind="outline" onClick={() => setWhole(true)}>
            Show all {formatExact(shown.length)} characters
          </Button>
        </div>
      )}
    </>
  );
}

/** JSON with a line for each member. Numbers are not parsed, so none of their digits can be lost. */
export function layOutJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text) || text.length > 2_000_000) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let depth = 0;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let out = '';
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    const opens = token === '{' || token === '[';
    if (token === '}' || token === ']') {
      depth -= 1;
      if (!/[{[]$/.test(out)) out += `\n${'  '.repeat(depth)}`;
    }
    out += token === ':' ? ': ' : token;
    if (opens) depth += 1;
    if ((opens && next !== '}' && next !== ']') || token === ',') out += `\n${'  '.repeat(depth)}`;
  });
  return out;
}

/** Control characters that would be invisible, except line breaks and tabs, which are laid out. */
function visibleControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return text.replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)));
}
