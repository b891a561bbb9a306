/** Finds the statements in an editor's text, and says which of them a run means. */

import { tokenize } from './sqlTokens';

/** A statement without the white space, comments and semicolon around it; offsets are UTF-16 units of the document. */
export type Statement = { from: number; to: number; text: string };

/** What pressing Run will do. */
export type Target = Statement & ({ kind: 'selection' } | { kind: 'statement'; index: number; count: number });

/** The statements of a document. Comments before a statement are not part of it; those inside are. */
export function splitStatements(document: string): Statement[] {
  const statements: Statement[] = [];
  let from = -1;
  let to = -1;
  const close = () => {
    if (from >= 0) statements.push({ from, to, text: document.slice(from, to) });
    from = -1;
  };
  for (const token of tokenize(document)) {
    if (token.kind === 'comment') continue;
    if (token.kind === 'symbol' && document[token.from] === ';') {
      close();
      continue;
    }
    if (from < 0) from = token.from;
    to = token.to;
  }
  close();
  return statements;
}

/** The statement a cursor is in or behind; before the first one, the first. */
export function statementAt(document: string, position: number): (Statement & { index: number; count: number }) | null {
  const statements = splitStatements(document);
  if (statements.length === 0) return null;
  // A cursor on the semicolon's line still belongs to the statement that ends there; one on a later line does not, if another follows.
  let index = statements.findIndex((statement) => position <= endOfReach(document, statement.to));
  if (index < 0) index = statements.length - 1;
  const found = statements[index];
  return found === undefined ? null : { ...found, index, count: statements.length };
}

/** A statement reaches over its semicolon and the blanks behind it, to the end of that line. */
function endOfReach(document: string, to: number): number {
  const rest = /^[ \t]*;?[ \t]*/.exec(document.slice(to, to + 200));
  return to + (rest?.[0].length ?? 0);
}

/** What a run means: the selection where there is one, else the statement at the cursor. */
export function runTarget(document: string, selection: { from: number; to: number; head: number }): Target | null {
  const selected = document.slice(selection.from, selection.to);
  if (selected.trim() !== '') {
    const [first] = splitStatements(selected);
    // A selection of only a comment is no statement, and running it would only be an error.
    if (first === undefined) return null;
    const from = selection.from + first.from;
    const text = selected.slice(first.from).replace(/[\s;]+$/, '');
    return { kind: 'selection', from, to: from + text.length, text };
  }
  const statement = statementAt(document, selection.head);
  return statement === null ? null : { kind: 'statement', ...statement };
}

/** The words on the Run button. */
export function runLabel(target: Target | null): string {
  if (target === null) return 'Run';
  if (target.kind === 'selection') return 'Run selection';
  return target.count === 1 ? 'Run' : `Run statement ${target.index + 1} of ${target.count}`;
}

/** Statements that change nothing may be run again by themselves (live) and by a shared link. */
export function looksReadOnly(statement: string): boolean {
  const first = tokenize(statement).find((token) => token.kind !== 'comment' && statement[token.from] !== '(');
  const word = first === undefined ? '' : statement.slice(first.from, first.to).toLowerCase();
  return ['select', 'with', 'values', 'explain', 'show', 'describe', 'table'].includes(word);
}

/** The offset in a text of the server's 1-based line and column, which count characters and not UTF-16 units. */
export function offsetOf(text: string, position: { line: number; column: number }): number {
  const lines = text.split('\n');
  const line = Math.min(Math.max(position.line, 1), lines.length) - 1;
  const before = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  const characters = Array.from(lines[line] ?? '').slice(0, Math.max(0, position.column - 1));
  return before + characters.join('').length;
}

/** The range to underline for an error at an offset: the token there, or one character. */
export function rangeAt(text: string, offset: number): { from: number; to: number } {
  const token = tokenize(text).find((each) => each.from <= offset && offset < each.to);
  if (token !== undefined) return { from: token.from, to: token.to };
  const from = Math.min(offset, Math.max(0, text.length - 1));
  return { from, to: Math.min(text.length, from + 1) };
}
