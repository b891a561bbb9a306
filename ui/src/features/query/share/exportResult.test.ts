import { expect, it } from 'vitest';
import { curlFor, fileName } from './exportResult';

it('makes names that every file system takes', () => {
  expect(fileName('Revenue / second: “all”', 'csv')).toBe('revenue-second-all.csv');
  expect(fileName('../..', 'parquet')).toBe('result.parquet');
  expect(fileName('Umsätze', 'json')).toBe('umsätze.json');
});

it('quotes the statement for a shell', () => {
  expect(curlFor('http://127.0.0.1:4321', "select 'x', :n", { n: 1 })).toBe(
    `curl -H 'Content-Type: application/json' http://127.0.0.1:4321/api/v1/query -d '{"sql":"select '\\''x'\\'', $n","params":{"n":1},"format":"ndjson"}'`,
  );
});
