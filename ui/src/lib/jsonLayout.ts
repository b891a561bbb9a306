/**
 * JSON laid out for reading, with the value at one path marked. Works on the text itself, so that every digit and every
 * repeated key stays as it arrived; text that is not JSON is shown as it is.
 */

export type Piece = { text: string; marked: boolean };

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/y;

type Frame = { kind: 'object' | 'array'; key: string | null; index: number; path: string; empty: boolean };

/** Lays `text` out; the value whose path is `path` (`a.b[0].c`; `[]` stands for any index) is marked. */
export function layout(text: string, path: string | null): Piece[] {
  try {
    JSON.parse(text);
  } catch {
    return [{ text, marked: false }];
  }
  const pieces: Piece[] = [];
  const stack: Frame[] = [];
  let marks = 0;
  let expectsKey = false;

  const put = (piece: string) => {
    const last = pieces.at(-1);
    const marked = marks > 0;
    if (last && last.marked === marked) last.text += piece;
    else pieces.push({ text: piece, marked });
  };
  const newLine = () => put(`\n${'  '.repeat(stack.length)}`);
  const here = () => {
    const top = stack.at(-1);
    if (!top) return '';
    if (top.kind === 'array') return `${top.path}[${top.index}]`;
    return top.path ? `${top.path}.${top.key}` : String(top.key);
  };
  const isWanted = () => path !== null && path !== '' && fits(here(), path);
  /** Called when a value has ended, whichever kind it was. */
  const ended = (wasMarked: boolean) => {
    if (wasMarked) marks -= 1;
  };
  const openMarks: boolean[] = [];

  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const token = match[0];
    const top = stack.at(-1);
    if (/^\s/.test(token)) continue;
    if (token === '}' || token === ']') {
      const closed = stack.pop();
      if (closed && !closed.empty) newLine();
      put(token);
      ended(openMarks.pop() ?? false);
      expectsKey = false;
      continue;
    }
    if (token === ',') {
      put(',');
      if (top?.kind === 'array') top.index += 1;
      newLine();
      expectsKey = top?.kind === 'object';
      continue;
    }
    if (token === ':') {
      put(': ');
      expectsKey = false;
      continue;
    }
    if (top?.empty) {
      top.empty = false;
      newLine();
    }
    if (top?.kind === 'object' && expectsKey) {
      top.key = JSON.parse(token) as string;
      put(token);
      continue;
    }
    const wanted = isWanted();
    if (token === '{' || token === '[') {
      const path = here();
      if (wanted) marks += 1;
      put(token);
      openMarks.push(wanted);
      stack.push({ kind: token === '{' ? 'object' : 'array', key: null, index: 0, path, empty: true });
      expectsKey = token === '{';
      continue;
    }
    if (wanted) marks += 1;
    put(token);
    ended(wanted);
  }
  return pieces;
}

/** Whether a path is the wanted one; `[]` in the wanted path stands for any index. */
function fits(path: string, wanted: string): boolean {
  if (path === wanted) return true;
  return wanted.includes('[]') && path.replaceAll(/\[\d+\]/g, '[]') === wanted.replaceAll(/\[\d+\]/g, '[]');
}
