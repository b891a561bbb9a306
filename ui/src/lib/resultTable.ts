/** The rows of an answer, growing by record batches; cells are read where they lie and never become row objects. */

import { tableFromIPC, type Table } from '@uwdata/flechette';
import type { ArrowMessage } from './arrow';
import { arrowKind, sqlTypeName, type ArrowKind, type ArrowType } from './arrowTypes';

export type ResultColumn = { name: string; type: ArrowType; kind: ArrowKind; typeName: string };

type Batch = { table: Table; start: number; nRows: number };

const READING = { useBigInt: true, useDecimalInt: true, useDate: false } as const;

export class ResultTable {
  columns: ResultColumn[] = [];
  nRows = 0;
  /** What the rows hold in memory, about. */
  nBytes = 0;
  #schema: Uint8Array<ArrayBuffer> | null = null;
  #dictionaries: ArrowMessage[] = [];
  #batches: Batch[] = [];
  #last = 0;

  /** Appends a message of the stream. Returns whether rows or columns came with it. */
  add(message: ArrowMessage): boolean {
    this.nBytes += message.bytes.length;
    if (message.kind === 'schema') return this.#begin(message.bytes);
    if (message.kind === 'dictionary') {
      const id = message.dictionary?.id;
      if (message.dictionary?.isDelta !== true) this.#dictionaries = this.#dictionaries.filter((each) => each.dictionary?.id !== id);
      this.#dictionaries.push(message);
      return false;
    }
    if (message.kind !== 'batch' || this.#schema === null) return false;
    const table = tableFromIPC([this.#schema, ...this.#dictionaries.map((each) => each.bytes), message.bytes], READING);
    if (table.numRows === 0) return false;
    this.#batches.push({ table, start: this.nRows, nRows: table.numRows });
    this.nRows += table.numRows;
    return true;
  }

  /** The value of a cell as Arrow holds it: 64-bit integers and decimals as `bigint`, timestamps in their own unit as `bigint`. */
  value(row: number, column: number): unknown {
    const batch = this.#batchOf(row);
    const values = batch?.table.getChildAt(column);
    if (batch === undefined || values === undefined || values === null) return null;
    const index = row - batch.start;
    const value: unknown = values.at(index);
    if (value === null || value === undefined) return null;
    if (this.columns[column]?.kind === 'timestamp') {
      // A double cannot hold nanoseconds since 1970; the column's own integers can.
      const raw: unknown = values.data[0]?.values;
      if (raw instanceof BigInt64Array) return raw[index] ?? null;
    }
    return value;
  }

  #begin(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#schema = bytes;
    const fields = tableFromIPC([bytes], READING).schema.fields;
    this.columns = fields.map((field) => {
      const type = field.type as ArrowType;
      return { name: field.name, type, kind: arrowKind(type), typeName: sqlTypeName(type) };
    });
    return true;
  }

  /** The batch a row is in. Cells are read row after row, so the last batch is asked first. */
  #batchOf(row: number): Batch | undefined {
    const last = this.#batches[this.#last];
    if (last !== undefined && row >= last.start && row < last.start + last.nRows) return last;
    let low = 0;
    let high = this.#batches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#batches[middle]?.start ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    const found = this.#batches[low];
    if (found === undefined || row < found.start || row >= found.start + found.nRows) return undefined;
    this.#last = low;
    return found;
  }
}
