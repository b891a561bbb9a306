import { binary, dateDay, decimal, float32, int64, list, struct, tableFromArrays, tableToIPC, timestamp, utf8, TimeUnit, type DataType } from '@uwdata/flechette';
import { describe, expect, it } from 'vitest';
import { ArrowSplitter } from './arrow';
import { decimalText, drawnText, exactText, timestampText, tsvField } from './cellText';
import { ResultTable } from './resultTable';

/** A value's way through the wire, to the text that is shown. */
function shown(value: unknown, type: DataType): string | null {
  const bytes = tableToIPC(tableFromArrays({ x: [value] }, { types: { x: type } }), { format: 'stream' });
  const table = new ResultTable();
  for (const message of new ArrowSplitter().push(bytes ?? new Uint8Array())) table.add(message);
  const column = table.columns[0];
  return column === undefined ? 'no column' : exactText(table.value(0, 0), column.type);
}

describe('exact text of what comes over the wire', () => {
  it('keeps every digit of 64-bit integers and decimals', () => {
    expect(shown(9223372036854775807n, int64())).toBe('9223372036854775807');
    expect(shown(-12345678901234567890123456789n, decimal(38, 9))).toBe('-12345678901234567890.123456789');
    expect(decimalText(-5n, 3)).toBe('-0.005');
    expect(decimalText(12345n, 2)).toBe('123.45');
    expect(decimalText(12n, -2)).toBe('1200');
  });

  it('says timestamps in their own unit', () => {
    expect(timestampText(1_700_000_000_123_456n, 2)).toBe('2023-11-14 22:13:20.123456');
    expect(timestampText(1_700_000_000_123_000n, 2)).toBe('2023-11-14 22:13:20.123');
    expect(timestampText(-1n, 1)).toBe('1969-12-31 23:59:59.999');
    expect(timestampText(1_700_000_000_000_000_001n, 3)).toBe('2023-11-14 22:13:20.000000001');
    expect(timestampText(9_000_000_000_000_000_000n, 0)).toBe('9000000000000000000');
    expect(shown(new Date('2026-11-21T12:00:00Z'), timestamp(TimeUnit.MICROSECOND))).toBe('2026-11-21 12:00:00.000');
    expect(shown(new Date('2026-11-21T00:00:00Z'), dateDay())).toBe('2026-11-21');
  });

  it('does not make up digits of short floats', () => {
    expect(shown(0.1, float32())).toBe('0.1');
  });

  it('writes nested values as JSON and bytes in hex', () => {
    expect(shown([1n, 2n], list(int64()))).toBe('[1, 2]');
    expect(shown({ a: 9007199254740993n, 'b"': '<i>' }, struct({ a: int64(), 'b"': utf8() }))).toBe('{"a": 9007199254740993, "b\\"": "<i>"}');
    expect(shown(new Uint8Array([0, 255]), binary())).toBe('\\x00ff');
    expect(shown(null, utf8())).toBeNull();
  });
});

describe('text that is drawn', () => {
  it('shows null bytes and line breaks', () => {
    expect(drawnText('a\u0000b\nc\td')).toBe('a␀b␊c␉d');
  });

  it('is cut, never in the middle of a character', () => {
    expect(drawnText('x'.repeat(1_000_000))).toHaveLength(301);
    expect(drawnText(`${'x'.repeat(299)}😀y`)).toBe(`${'x'.repeat(299)}…`);
  });
});

it('quotes only what tab-separated text must quote', () => {
  expect(tsvField('plain')).toBe('plain');
  expect(tsvField('a\tb "c"')).toBe('"a\tb ""c"""');
  expect(tsvField(null)).toBe('');
});
