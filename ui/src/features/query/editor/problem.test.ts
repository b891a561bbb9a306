import { expect, it } from 'vitest';
import { problemOf, suggestion } from './problem';

const statement = 'SELECT contry\nFROM shop';

it('underlines the word at the position, wherever the statement stands in the document', () => {
  const failure = { message: "unknown column 'contry'", hint: "Did you mean 'country'?", position: { line: 1, column: 8 } };
  expect(problemOf(failure, statement, 100)).toEqual({
    from: 107,
    to: 113,
    message: "unknown column 'contry'. Did you mean 'country'?",
    fix: { from: 107, to: 113, text: 'country' },
  });
});

it('finds the named word where the position is missing or before it', () => {
  expect(problemOf({ message: "no table 'shop'" }, statement, 0)).toMatchObject({ from: 19, to: 23, fix: null });
  expect(problemOf({ message: "no table 'shop'", position: { line: 1, column: 1 } }, statement, 0)).toMatchObject({ from: 19 });
});

it('is nowhere when nothing says where', () => {
  expect(problemOf({ message: 'too many rows', hint: 'Ask for less.' }, statement, 0)).toBeNull();
});

it('reads what a hint proposes', () => {
  expect(suggestion('Did you mean `shop`?')).toBe('shop');
  expect(suggestion('Did you mean system.streams?')).toBe('system.streams');
  expect(suggestion('Did you mean "Unit Price"?')).toBe('Unit Price');
  expect(suggestion('Use one of a, b.')).toBeNull();
  expect(suggestion(null)).toBeNull();
});
