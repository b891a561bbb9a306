/** What the editor is made of. */

import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab, temporarilySetTabFocusMode } from '@codemirror/commands';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { sql } from '@codemirror/lang-sql';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, Prec, StateEffect, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { namespaceOf, opensTableList, scopeSource, type Vocabulary } from '../../../lib/completions';
import { cspNonce } from '../../../lib/csp';
import { HeliosSQL } from '../../../lib/sqlDialect';
import { editorTheme, sqlHighlight } from './editorTheme';
import { statementMark } from './statementMark';

export type EditorActions = {
  run: () => void;
  runAll: () => void;
  save: () => void;
  format: () => void;
  /** Returns whether there was something to cancel. */
  cancel: () => boolean;
};

/** Everything that does not depend on the catalogue. The actions are looked up when a key is pressed. */
export function editorExtensions(actions: () => EditorActions): Extension {
  const act = (name: Exclude<keyof EditorActions, 'cancel'>) => (view: EditorView) => {
    closeCompletion(view);
    actions()[name]();
    return true;
  };
  const keys = Prec.highest(
    keymap.of([
      { key: 'Mod-Enter', run: act('run') },
      { key: 'Shift-Mod-Enter', run: act('runAll') },
      { key: 'Mod-s', run: act('save'), preventDefault: true },
      { key: 'Shift-Alt-f', run: act('format') },
      { key: 'Tab', run: acceptCompletion },
      { key: 'Mod-f', run: openSearch, preventDefault: true },
    ]),
  );
  return [
    keys,
    keymap.of([{ key: 'Escape', run: (view) => leaveOrCancel(view, actions) }]),
    lineNumbers(),
    drawSelection(),
    history(),
    bracketMatching(),
    closeBrackets(),
    indentOnInput(),
    autocompletion({ icons: false, maxRenderedOptions: 80, aboveCursor: false }),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap, indentWithTab]),
    syntaxHighlighting(sqlHighlight),
    editorTheme,
    statementMark(),
    placeholder('SELECT … FROM a stream'),
    EditorView.lineWrapping,
    EditorState.tabSize.of(2),
    EditorView.contentAttributes.of({ 'aria-label': 'SQL editor. Press Escape, then Tab, to leave it.', tabindex: '0', autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' }),
    EditorView.domEventHandlers({ beforeinput: typed }),
    EditorView.cspNonce.of(cspNonce()),
    EditorView.updateListener.of((update) => {
      // The list of tables opens by itself where only a table can follow.
      if (!update.docChanged || !update.transactions.some((each) => each.isUserEvent('input.type'))) return;
      const head = update.state.selection.main.head;
      if (opensTableList(update.state.sliceDoc(Math.max(0, head - 12), head))) queueMicrotask(() => startCompletion(update.view));
    }),
  ];
}

/**
 * Typed text goes into the document without the browser editing the page first: over coloured text it would keep the colour as a
 * style of its own, which the content security policy refuses and reports. What is composed, as on phones, is left to the browser.
 */
function typed(event: InputEvent, view: EditorView): boolean {
  const { data } = event;
  if (event.inputType !== 'insertText' || data === null || event.isComposing || view.composing || view.state.selection.ranges.length > 1) return false;
  const { from, to } = view.state.selection.main;
  const insert = () => view.state.update({ changes: { from, to, insert: data }, selection: { anchor: from + data.length }, userEvent: 'input.type', scrollIntoView: true });
  const isTaken = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, data, insert));
  if (!isTaken) view.dispatch(insert());
  return true;
}

/** What completion knows. lang-sql's own sources stay; ours is added beside them. */
export function vocabularyExtension(vocabulary: Vocabulary): Extension {
  const language = sql({ dialect: HeliosSQL, schema: namespaceOf(vocabulary.catalog), upperCaseKeywords: true });
  return [language, HeliosSQL.language.data.of({ autocomplete: scopeSource(vocabulary) })];
}

/** Escape cancels what runs; otherwise the next Tab leaves the editor, for those without a mouse. */
function leaveOrCancel(view: EditorView, actions: () => EditorActions): boolean {
  return actions().cancel() || temporarilySetTabFocusMode(view);
}

/** Search is loaded when it is first asked for; from then on its own keys work. */
function openSearch(view: EditorView): boolean {
  void import('@codemirror/search').then(({ highlightSelectionMatches, openSearchPanel, search, searchKeymap, searchPanelOpen }) => {
    const parts = [search({ top: true }), highlightSelectionMatches(), Prec.highest(keymap.of(searchKeymap))];
    if (!searchPanelOpen(view.state)) view.dispatch({ effects: StateEffect.appendConfig.of(parts) });
    openSearchPanel(view);
  });
  return true;
}
