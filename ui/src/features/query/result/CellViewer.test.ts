import { expect, it } from 'vitest';
import { layOutJson } from './CellViewer';

it('lays JSON out without touching a digit', () => {
  expect(layOutJson('{"a":[1,9007199254740993],"b":{},"c":"x, {y}: \\"z\\""}')).toBe(
    '{\n  "a": [\n    1,\n    9007199254740993\n  ],\n  "b": {},\n  "c": "x, {y}: \\"z\\""\n}',
  );
});

it('leaves everything else as it is', () => {
  expect(layOutJson('plain')).toBeNull();
  expect(layOutJson('{broken')).toBeNull();
  expect(layOutJson('[1, 2')).toBeNull();
});
