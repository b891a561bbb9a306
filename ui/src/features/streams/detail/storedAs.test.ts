import { expect, it } from 'vitest';
import { recordOf, storedAs } from './storedAs';

const columns = [
  { name: 'id', type: 'BIGINT' },
  { name: 'note', type: 'TEXT' },
];
const row = { id: '9007199254740993', note: null, _rest: '{"coupon":"X","deep":{"n":9007199254740993}}', _time: 't' };

it('each field is in a column, absent, or kept aside', () => {
  expect(storedAs(row, columns).map(({ name, fate }) => [name, fate])).toEqual([
    ['id', 'stored'],
    ['note', 'absent'],
    ['coupon', 'rest'],
    ['deep', 'rest'],
  ]);
  expect(storedAs({ id: 1, _rest: 'no JSON' }, columns).at(-1)).toMatchObject({ name: '_rest', fate: 'rest' });
});

it('the record is put together again with every digit', () => {
  expect(recordOf(row)).toEqual({ id: '9007199254740993', coupon: 'X', deep: { n: '9007199254740993' } });
});
