import { describe, expect, it } from 'vitest';
import { looksReadOnly, offsetOf, rangeAt, runLabel, runTarget, splitStatements, statementAt } from './statement';

const texts = (document: string) => splitStatements(document).map((statement) => statement.text);

describe('splitting', () => {
  it('cuts at semicolons and leaves blanks and comments around statements out', () => {
    expect(texts('-- first\nselect 1;\n\n  select 2 ;;')).toEqual(['select 1', 'select 2']);
  });

  it('is not fooled by semicolons in text, names, comments and dollar quotes', () => {
    const document = `select ';' as ";" /* ; /* ; */ ; */ , $tag$ ; $tag$ -- ;\n; select E'\\';'`;
    expect(texts(document)).toEqual([`select ';' as ";" /* ; /* ; */ ; */ , $tag$ ; $tag$`, `select E'\\';'`]);
  });

  it('takes an unfinished text as one statement', () => {
    expect(texts("select 'oh; no")).toEqual(["select 'oh; no"]);
    expect(texts('select 1; /* still ; typing')).toEqual(['select 1']);
  });

  it('counts in UTF-16 units', () => {
    const document = "select '😀'; select 2";
    expect(splitStatements(document).map(({ from, to }) => [from, to])).toEqual([[0, 11], [13, 21]]);
  });
});

describe('the statement at the cursor', () => {
  const document = 'select 1;  \n-- about the second\nselect 2;\n\nselect 3';

  it.each([
    [0, 'select 1'],
    [8, 'select 1'],
    [11, 'select 1'],
    [20, 'select 2'],
    [document.indexOf('select 2') + 9, 'select 2'],
    [document.length, 'select 3'],
  ])('at %i', (position, text) => {
    expect(statementAt(document, position)?.text).toBe(text);
  });

  it('is the last one behind the end, and none in an empty document', () => {
    expect(statementAt('select 1;\n\n\n', 12)?.text).toBe('select 1');
    expect(statementAt('-- nothing', 3)).toBeNull();
  });
});

describe('what a run means', () => {
  const document = 'select 1; select 22; select 3';

  it('is the statement under the cursor, and the button says which', () => {
    const target = runTarget(document, { from: 12, to: 12, head: 12 });
    expect(target?.text).toBe('select 22');
    expect(runLabel(target)).toBe('Run statement 2 of 3');
    expect(runLabel(runTarget('select 1', { from: 0, to: 0, head: 0 }))).toBe('Run');
  });

  it('is the selection where there is one, trimmed, at its place', () => {
    const target = runTarget(document, { from: 9, to: 20, head: 20 });
    expect(target).toMatchObject({ kind: 'selection', text: 'select 22', from: 10, to: 19 });
    expect(runLabel(target)).toBe('Run selection');
  });

  it('ignores a selection of blanks, and has nothing to run in a comment', () => {
    expect(runTarget(document, { from: 9, to: 10, head: 10 })?.kind).toBe('statement');
    expect(runTarget('-- only words', { from: 0, to: 13, head: 13 })).toBeNull();
    expect(runLabel(null)).toBe('Run');
  });
});

it('tells questions from statements that change something', () => {
  expect(looksReadOnly('-- hm\n with a as (select 1) select * from a')).toBe(true);
  expect(looksReadOnly('(select 1) union (select 2)')).toBe(true);
  expect(looksReadOnly('DROP STREAM shop')).toBe(false);
  expect(looksReadOnly('')).toBe(false);
});

describe('positions of errors', () => {
  it('turn lines and characters into UTF-16 offsets', () => {
    const text = "select '😀',\n  contry";
    expect(offsetOf(text, { line: 1, column: 1 })).toBe(0);
    expect(offsetOf(text, { line: 1, column: 11 })).toBe(11);
    expect(offsetOf(text, { line: 2, column: 3 })).toBe(text.indexOf('contry'));
    expect(offsetOf(text, { line: 9, column: 99 })).toBe(text.length);
  });

  it('underline the whole word there', () => {
    const text = 'select contry from shop';
    expect(rangeAt(text, 7)).toEqual({ from: 7, to: 13 });
    expect(rangeAt(text, text.length)).toEqual({ from: text.length - 1, to: text.length });
  });
});
