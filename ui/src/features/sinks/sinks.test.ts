import { expect, test } from 'vitest';
import { checkCluster, createSink } from './sinks';

test('a sink is named after its table and its cluster, so that a stream may have several, and odd names are quoted', () => {
  expect(createSink('orders', 'ch', 'orders')).toBe('CREATE SINK orders_ch FROM orders INTO ch.orders');
  expect(createSink('orders', 'ch', 'My table')).toBe('CREATE SINK "My table_ch" FROM orders INTO ch."My table"');
});

test('a cluster is checked by setting it to what it is, whatever its address is', () => {
  expect(checkCluster('ch', 'https://a:8443, https://b:8443')).toBe("ALTER CLUSTER ch SET (url = 'https://a:8443, https://b:8443')");
  expect(checkCluster('My cluster', "http://it's:8123")).toBe(`ALTER CLUSTER "My cluster" SET (url = 'http://it''s:8123')`);
  expect(checkCluster('ch', "SECRET 'where'")).toBe("ALTER CLUSTER ch SET (url = SECRET 'where')");
});
