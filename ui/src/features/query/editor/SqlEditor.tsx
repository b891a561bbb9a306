import { setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, type Ref } from 'react';
import type { Vocabulary } from '../../../lib/completions';
import { editorExtensions, vocabularyExtension, type EditorActions } from './extensions';
import type { Problem } from './problem';
import { flashRange } from './statementMark';

export type EditorText = { sql: string; cursor: { anchor: number; head: number } };

export type EditorHandle = {
  focus: () => void;
  insert: (text: string) => void;
  replace: (range: { from: number; to: number }, text: string) => void;
  flash: (range: { from: number; to: number }) => void;
};

type Props = {
  /** Which text this is; each keeps its own undo history. */
  id: string;
  text: EditorText;
  onChange: (text: EditorText) => void;
  actions: EditorActions;
  vocabulary: Vocabulary;
  problem: Problem | null;
  ref: Ref<EditorHandle>;
};

const language = new Compartment();

/** States of tabs that are not in front, so that undo still works when they come back. */
const states = new Map<string, EditorState>();

/** What the editor calls. Kept states outlive the component that made them, so they must find the newest one here. */
type Bridge = Pick<Props, 'id' | 'onChange' | 'actions' | 'vocabulary'>;
let bridge: Bridge | null = null;

export function SqlEditor({ id, text, onChange, actions, vocabulary, problem, ref }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);

  useLayoutEffect(() => {
    bridge = { id, onChange, actions, vocabulary };
  });

  useLayoutEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    const made = new EditorView({ parent, state: stateOf(id, text) });
    view.current = made;
    return () => {
      states.set(id, made.state);
      made.destroy();
      view.current = null;
    };
    // The view is made once for each text; what changes later is sent into it below.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [id]);

  // A layout effect, because it must run before the next key is pressed: later, it would take that key back.
  useLayoutEffect(() => {
    // A text that was set from outside (history, format, a link) replaces what is there, as one step that can be undone.
    const shown = view.current;
    if (shown === null || shown.state.doc.toString() === text.sql) return;
    shown.dispatch({ changes: { from: 0, to: shown.state.doc.length, insert: text.sql } });
  }, [text.sql]);

  useEffect(() => {
    view.current?.dispatch({ effects: language.reconfigure(vocabularyExtension(vocabulary)) });
  }, [vocabulary, id]);

  useEffect(() => {
    const shown = view.current;
    if (shown !== null) shown.dispatch(setDiagnostics(shown.state, diagnostics(problem, shown.state.doc.length)));
  }, [problem, id]);

  useImperativeHandle(
    ref,
    () => ({
      focus: () => view.current?.focus(),
      insert: (inserted) => {
        const shown = view.current;
        if (shown === null) return;
        shown.dispatch(shown.state.replaceSelection(inserted));
        shown.focus();
      },
      replace: ({ from, to }, inserted) => {
        const shown = view.current;
        if (shown === null || to > shown.state.doc.length) return;
        shown.dispatch({ changes: { from, to, insert: inserted }, selection: { anchor: from + inserted.length } });
        shown.focus();
      },
      flash: (range) => view.current?.dispatch({ effects: flashRange.of(range) }),
    }),
    [],
  );

  return <div ref={place} className="min-h-0 flex-1 overflow-hidden" />;
}

/** The text as it was left, or a fresh one where the text was changed elsewhere since. */
function stateOf(id: string, { sql, cursor }: EditorText): EditorState {
  const kept = states.get(id);
  if (kept?.doc.toString() === sql) return kept;
  const selection = { anchor: Math.min(cursor.anchor, sql.length), head: Math.min(cursor.head, sql.length) };
  return EditorState.create({ doc: sql, selection, extensions: bridgedExtensions() });
}

function bridgedExtensions(): Extension {
  return [
    editorExtensions(() => bridge?.actions ?? IDLE),
    language.of([]),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged && !update.selectionSet) return;
      const { anchor, head } = update.state.selection.main;
      bridge?.onChange({ sql: update.state.doc.toString(), cursor: { anchor, head } });
    }),
  ];
}

const nothing = () => undefined;
const IDLE: EditorActions = { run: nothing, runAll: nothing, save: nothing, format: nothing, cancel: () => false };

function diagnostics(problem: Problem | null, length: number): Diagnostic[] {
  // The text may have become shorter since the server was asked.
  if (problem === null || problem.to > length) return [];
  const { from, to, message, fix } = problem;
  const actions =
    fix === null
      ? []
      : [
          {
            name: `Use ${fix.text}`,
            apply: (view: EditorView, at: number, end: number) => view.dispatch({ changes: { from: at, to: end, insert: fix.text } }),
          },
        ];
  return [{ from, to, message, severity: 'error', actions }];
}
