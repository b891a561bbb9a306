import { describe, expect, it } from 'vitest';
import { layout } from './jsonLayout';

const text = (json: string, path: string | null = null) =>
  layout(json, path)
    .map((piece) => (piece.marked ? `«${piece.text}»` : piece.text))
    .join('');

describe('layout', () => {
  it('indents and keeps every digit', () => {
    expect(text('{"a":9223372036854775807,"b":[1.50,{}],"c":[]}')).toBe('{\n  "a": 9223372036854775807,\n  "b": [\n    1.50,\n    {}\n  ],\n  "c": []\n}');
  });
  it('marks the value at a path', () => {
    expect(text('{"price":"n/a","o":{"price":1}}', 'price')).toBe('{\n  "price": «"n/a"»,\n  "o": {\n    "price": 1\n  }\n}');
    expect(text('{"o":{"price":1}}', 'o.price')).toBe('{\n  "o": {\n    "price": «1»\n  }\n}');
  });
  it('marks one element, or all of them', () => {
    expect(text('{"a":[1,2]}', 'a[1]')).toBe('{\n  "a": [\n    1,\n    «2»\n  ]\n}');
    expect(text('{"a":[1,2]}', 'a[]')).toBe('{\n  "a": [\n    «1»,\n    «2»\n  ]\n}');
  });
  it('marks a whole object', () => {
    expect(text('{"o":{"a":1}}', 'o')).toBe('{\n  "o": «{\n    "a": 1\n  }»\n}');
  });
  it('shows what is not JSON as it is', () => {
    expect(text('{"a":', 'a')).toBe('{"a":');
    expect(text('id,name\u0000', null)).toBe('id,name\u0000');
  });
});
