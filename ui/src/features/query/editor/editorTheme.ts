/** How the editor looks: the app's tokens, so that it follows the theme without being told. */

import { HighlightStyle } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

export const sqlHighlight = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--syn-kw)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syn-str)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--syn-num)' },
  { tag: tags.typeName, color: 'var(--syn-type)' },
  { tag: tags.comment, color: 'var(--text-3)', fontStyle: 'italic' },
  { tag: tags.special(tags.name), color: 'var(--syn-param)', fontWeight: '600' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--text-2)' },
]);

const popup = { background: 'var(--raised)', border: '1px solid var(--line-strong)', borderRadius: 'var(--radius-md)', boxShadow: 'var(--shadow-pop)', color: 'var(--text)' };

export const editorTheme = EditorView.theme({
  '&': { color: 'var(--text)', height: '100%', fontSize: '13px', background: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '21px' },
  '.cm-content': { padding: '6px 0 24px', caretColor: 'var(--accent)' },
  '.cm-gutters': { background: 'transparent', border: 'none', color: 'var(--text-3)' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 10px', minWidth: '34px' },
  '.cm-line': { padding: '0 8px' },
  '.cm-target': { boxShadow: 'inset 2px 0 0 var(--accent)' },
  '.cm-ran': { animation: 'flash 400ms ease-out' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'color-mix(in oklab, var(--accent) 24%, transparent)',
  },
  '.cm-selectionMatch': { background: 'color-mix(in oklab, var(--accent) 14%, transparent)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { background: 'var(--accent-tint)', color: 'inherit' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  '.cm-tooltip': popup,
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--font-mono)', fontSize: '12px', maxHeight: '260px', maxWidth: 'min(560px, 92vw)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px', lineHeight: '18px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--accent-tint)', color: 'var(--text)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600', color: 'var(--accent)' },
  '.cm-completionDetail': { color: 'var(--text-3)', fontStyle: 'normal', marginLeft: '1.5em' },
  '.cm-tooltip.cm-completionInfo': { ...popup, padding: '6px 10px', maxWidth: '420px', fontFamily: 'var(--font-sans)', fontSize: '12px', lineHeight: '17px', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic': { fontFamily: 'var(--font-sans)', fontSize: '12px', padding: '6px 10px', maxWidth: '480px' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--crit)' },
  '.cm-diagnosticAction': { background: 'var(--accent)', color: 'var(--on-accent)', borderRadius: 'var(--radius-md)', padding: '2px 8px', marginLeft: '10px', fontSize: '12px' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--crit) 1px', textUnderlineOffset: '3px' },
  '.cm-panels': { background: 'var(--canvas)', color: 'var(--text)', borderColor: 'var(--line)' },
  '.cm-panel.cm-search': { padding: '6px 28px 6px 8px', fontFamily: 'var(--font-sans)' },
  '.cm-textfield': { background: 'var(--surface)', border: '1px solid var(--control)', borderRadius: 'var(--radius-md)', color: 'var(--text)' },
  '.cm-button': { background: 'var(--surface)', backgroundImage: 'none', border: '1px solid var(--control)', borderRadius: 'var(--radius-md)', color: 'var(--text)' },
  '.cm-searchMatch': { background: 'var(--warn-tint)', outline: '1px solid var(--warn)' },
});
