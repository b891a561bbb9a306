import { describe, expect, it } from 'vitest';
import { elementsOf, headerOf, kindOf, pushesOf, renamedHeader, sampleOf } from './fileRecords';

it('knows files by their beginning', () => {
  expect(kindOf('{"a":1}\n{"a":2}')).toBe('ndjson');
  expect(kindOf('\n [{"a":1}]')).toBe('json');
  expect(kindOf('id,name\n1,x')).toBe('csv');
  expect(kindOf('PAR1\u0000\u0001')).toBeNull();
  expect(kindOf('\u001f\ufffd')).toBeNull();
  expect(kindOf('prose')).toBeNull();
});

describe('samples', () => {
  it('are whole lines only', () => {
    expect(sampleOf('{"a":1}\n{"a":2}\n{"a', 'ndjson', false)).toEqual(['{"a":1}', '{"a":2}']);
    expect(sampleOf('{"a":1}\r\n\r\n{"a":2}', 'ndjson', true)).toEqual(['{"a":1}', '{"a":2}']);
  });

  it('of CSV are the lines behind the one that names the fields', () => {
    expect(sampleOf('\ufeffid,name\n1,x\n2,y\n', 'csv', true)).toEqual(['1,x', '2,y']);
    expect(headerOf('\ufeffid;na,me;x\n1;x;y\n')).toEqual({ csvHeader: 'id;na,me;x', delimiter: ';' });
    expect(headerOf('id\tname')).toEqual({ csvHeader: 'id\tname', delimiter: '\t' });
  });

  it('of an array are its elements as they are written', () => {
    expect(elementsOf('[{"a": 9007199254740993, "b": [1, {"c": "],"}]}, 2 , "x", null]')).toEqual(['{"a": 9007199254740993, "b": [1, {"c": "],"}]}', '2', '"x"', 'null']);
    expect(elementsOf('[]')).toEqual([]);
    expect(sampleOf('[{"a":1}', 'json', false)).toEqual([]);
  });
});

it('a header is renamed field by field', () => {
  const columns = [{ path: 'id', name: 'key' }, { path: 'na,me', name: 'a "b"' }, { path: 'x', name: 'x' }];
  expect(renamedHeader('id,"na,me",x,left', ',', columns)).toBe('key,"a ""b""",x,left');
  expect(renamedHeader('x\tid', '\t', columns)).toBe('x\tkey');
});

describe('pushes', () => {
  const read = async (text: string, kind: 'ndjson' | 'csv' | 'json', size: number, header: string | null = null) => {
    const out: string[] = [];
    for await (const push of pushesOf(new Blob([text]), kind, header, size)) out.push(await push.body.text());
    return out;
  };

  it('never cut a line', async () => {
    const text = '{"a":"ä"}\n{"a":2}\n{"a":33333333333}\n{"a":4}';
    const pushes = await read(text, 'ndjson', 12);
    expect(pushes.join('')).toBe(text);
    for (const push of pushes) for (const line of push.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    expect(pushes.length).toBeGreaterThan(1);
  });

  it('of CSV begin with the header each', async () => {
    const pushes = await read('id,name\n1,a\n2,b\n3,c\n', 'csv', 13);
    expect(pushes.every((push) => push.startsWith('id,name\n'))).toBe(true);
    expect(pushes.flatMap((push) => push.trim().split('\n').slice(1))).toEqual(['1,a', '2,b', '3,c']);
  });

  it('of CSV may name their fields otherwise', async () => {
    const pushes = await read('id,name\n1,a\n2,b\n3,c\n', 'csv', 13, 'key,name');
    expect(pushes.every((push) => push.startsWith('key,name\n'))).toBe(true);
    expect(pushes.flatMap((push) => push.trim().split('\n').slice(1))).toEqual(['1,a', '2,b', '3,c']);
  });

  it('of an array are one', async () => {
    expect(await read('[1,2]', 'json', 1)).toEqual(['[1,2]']);
  });
});
