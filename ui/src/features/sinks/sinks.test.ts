import { expect, test } from 'vitest';
import { createSink } from './sinks';

test('a sink is named after its stream and its cluster, and odd names are quoted', () => {
  expect(createSink('orders', 'ch', 'orders')).toBe('CREATE SINK orders_ch FROM orders INTO ch.orders');
  expect(createSink('orders', 'ch', 'My table')).toBe('CREATE SINK orders_ch FROM orders INTO ch."My table"');
});
