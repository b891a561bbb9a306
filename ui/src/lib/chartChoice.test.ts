import { describe, expect, it } from 'vitest';
import { chooseChart, fits, type ChartColumn } from './chartChoice';

const column = (name: string, kind: ChartColumn['kind']): ChartColumn => ({ name, kind });
const second = column('second', 'timestamp');
const country = column('country', 'text');
const orders = column('orders', 'integer');
const revenue = column('revenue', 'decimal');

describe('the first chart', () => {
  it('is lines over time', () => {
    expect(chooseChart([second, orders, revenue], 100, () => 1).chart).toEqual({ kind: 'time', x: 0, y: [1, 2], series: null, stacked: false });
  });

  it('has a line for each value of a category', () => {
    expect(chooseChart([second, country, orders, revenue], 100, () => 7).chart).toMatchObject({ kind: 'time', y: [2], series: 1 });
  });

  it('does not make a line of each of a thousand ids', () => {
    expect(chooseChart([second, country, orders], 5000, () => 1000).chart).toMatchObject({ series: null, y: [2] });
  });

  it('is bars for categories, and for numbers against numbers', () => {
    expect(chooseChart([country, orders], 8, () => 8)).toMatchObject({ chart: { kind: 'bars', x: 0, y: [1] }, why: 'Bars of orders for each country.' });
    expect(chooseChart([orders, revenue], 8, () => 8).chart).toMatchObject({ kind: 'bars', x: 0, y: [1] });
  });

  it('is none where none would say anything, with the reason', () => {
    expect(chooseChart([country], 8, () => 8)).toEqual({ chart: null, why: 'A chart needs a column of numbers.' });
    expect(chooseChart([orders], 1, () => 1).chart).toBeNull();
    expect(chooseChart([second, orders], 0, () => 0).chart).toBeNull();
  });
});

it('keeps a chart for the next answer only where its columns still fit', () => {
  const chart = { kind: 'time', x: 0, y: [1], series: null, stacked: false } as const;
  expect(fits({ ...chart, y: [1] }, [second, orders])).toBe(true);
  expect(fits({ ...chart, y: [1] }, [country, orders])).toBe(false);
  expect(fits({ ...chart, y: [2] }, [second, orders])).toBe(false);
});
