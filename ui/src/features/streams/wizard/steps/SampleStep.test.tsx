import { expect, it } from 'vitest';
import { payloadsOf } from './SampleStep';

it('reads what people paste', () => {
  expect(payloadsOf('{\n  "a": 1\n}')).toEqual(['{\n  "a": 1\n}']);
  expect(payloadsOf('{"a":1}\n{"a":2}\n')).toEqual(['{"a":1}', '{"a":2}']);
  expect(payloadsOf('[{"a":1},{"a":2}]')).toEqual(['{"a":1}', '{"a":2}']);
  expect(payloadsOf('id,name\n1,x')).toEqual(['1,x']);
  expect(payloadsOf('{"a":')).toBeNull();
  expect(payloadsOf('[1,')).toBeNull();
  expect(payloadsOf('words')).toBeNull();
});
