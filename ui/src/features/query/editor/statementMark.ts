/** Marks the lines of the statement a run would run, where there is more than one to choose from. */

import { StateEffect, StateField, type EditorState, type Extension } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';
import { runTarget } from '../../../lib/statement';

const target = Decoration.line({ class: 'cm-target' });
const ran = Decoration.line({ class: 'cm-ran' });
const targetThatRan = Decoration.line({ class: 'cm-target cm-ran' });

/** Flashes the lines of what was just started. */
export const flashRange = StateEffect.define<{ from: number; to: number }>();

type Marks = { key: string; decorations: DecorationSet };

const marks = StateField.define<Marks>({
  create: (state) => targetMarks(state, null),
  update(value, transaction) {
    const flashed = transaction.effects.find((effect) => effect.is(flashRange));
    if (flashed !== undefined) return rangeMarks(transaction.state, flashed.value, value.key === '' ? ran : targetThatRan, value.key);
    if (!transaction.docChanged && transaction.selection === undefined) return value;
    return targetMarks(transaction.state, value);
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.decorations),
});

export function statementMark(): Extension {
  return marks;
}

function targetMarks(state: EditorState, before: Marks | null): Marks {
  const { from, to, head } = state.selection.main;
  const found = runTarget(state.doc.toString(), { from, to, head });
  if (found?.kind !== 'statement' || found.count < 2) return { key: '', decorations: Decoration.none };
  const key = `${found.from} ${found.to} ${state.doc.length}`;
  // While the cursor moves within a statement nothing has to be drawn anew.
  return before?.key === key ? before : rangeMarks(state, found, target, key);
}

function rangeMarks(state: EditorState, range: { from: number; to: number }, mark: Decoration, key: string): Marks {
  const last = state.doc.lineAt(Math.min(range.to, state.doc.length)).number;
  const decorations = [];
  for (let line = state.doc.lineAt(Math.min(range.from, state.doc.length)).number; line <= last; line += 1) {
    decorations.push(mark.range(state.doc.line(line).from));
  }
  return { key, decorations: Decoration.set(decorations) };
}
