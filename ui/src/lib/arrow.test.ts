import { dictionary, int32, int64, tableFromArrays, tableToIPC, utf8 } from '@uwdata/flechette';
import { describe, expect, it } from 'vitest';
import { ArrowSplitter } from './arrow';
import { ResultTable } from './resultTable';

const stream = (): Uint8Array => {
  const table = tableFromArrays(
    { id: [1n, 9007199254740993n, -1n], name: ['a', 'b', null], word: ['x', 'y', 'x'] },
    { types: { id: int64(), name: utf8(), word: dictionary(utf8(), int32()) } },
  );
  const bytes = tableToIPC(table, { format: 'stream' });
  if (bytes === null) throw new Error('no bytes');
  return bytes;
};

function read(bytes: Uint8Array, size: number) {
  const splitter = new ArrowSplitter();
  const table = new ResultTable();
  for (let at = 0; at < bytes.length; at += size) {
    for (const message of splitter.push(bytes.subarray(at, at + size))) table.add(message);
  }
  return { splitter, table };
}

describe('cutting a stream', () => {
  it.each([1, 7, 64, 1_000_000])('gives the same rows in pieces of %i bytes', (size) => {
    const { splitter, table } = read(stream(), size);
    expect(splitter.complete).toBe(true);
    expect(table.columns.map((column) => [column.name, column.typeName])).toEqual([['id', 'bigint'], ['name', 'text'], ['word', 'text']]);
    expect(table.nRows).toBe(3);
    expect(table.value(1, 0)).toBe(9007199254740993n);
    expect(table.value(2, 1)).toBeNull();
    expect([0, 1, 2].map((row) => table.value(row, 2))).toEqual(['x', 'y', 'x']);
  });

  it('names the kinds of messages, and the dictionary they carry', () => {
    const messages = new ArrowSplitter().push(stream());
    expect(messages.map((message) => message.kind)).toEqual(['schema', 'dictionary', 'batch']);
    expect(messages[1]?.dictionary).toEqual({ id: 0n, isDelta: false });
  });

  it('knows a stream that was cut off', () => {
    const bytes = stream();
    for (const length of [0, 3, 9, bytes.length - 9]) {
      expect(read(bytes.subarray(0, length), 50).splitter.complete).toBe(false);
    }
  });

  it('refuses what is no Arrow stream instead of waiting for it', () => {
    const splitter = new ArrowSplitter();
    expect(() => splitter.push(new TextEncoder().encode('{"code":"internal","message":"no"}'))).not.toThrow();
    expect(splitter.complete).toBe(false);
    expect(() => new ArrowSplitter().push(new Uint8Array([255, 255, 255, 255, 255, 255, 255, 255]))).toThrow('not an Arrow stream');
  });
});

it('joins batches of one schema', () => {
  const [schema, words, batch] = new ArrowSplitter().push(stream());
  const table = new ResultTable();
  for (const message of [schema, words, batch, batch, batch]) if (message !== undefined) table.add(message);
  expect(table.nRows).toBe(9);
  expect(table.value(7, 0)).toBe(9007199254740993n);
  expect(table.value(0, 0)).toBe(1n);
  expect(table.value(9, 0)).toBeNull();
});
