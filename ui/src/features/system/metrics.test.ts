import { describe, expect, it } from 'vitest';
import { percentile, total } from './metrics';

const bucket = (le: string, value: number, stream = 'a') => ({ name: 'helios_commit_seconds_bucket', labels: JSON.stringify({ le, stream }), value });

describe('metrics', () => {
  it('sum over labels, and know what is missing', () => {
    const samples = [
      { name: 'helios_rows_total', labels: '{"stream":"a"}', value: 2 },
      { name: 'helios_rows_total', labels: '{"stream":"b"}', value: 3 },
    ];
    expect(total(samples, 'helios_rows_total')).toBe(5);
    expect(total(samples, 'helios_lake_files')).toBeNull();
  });
  it('find percentiles between the bounds of buckets, streams together', () => {
    const samples = [bucket('0.1', 5), bucket('0.2', 10), bucket('inf', 10), bucket('0.1', 5, 'b'), bucket('0.2', 10, 'b'), bucket('inf', 10, 'b')];
    expect(percentile(samples, 'helios_commit_seconds_bucket', 0.5)).toBeCloseTo(0.1);
    expect(percentile(samples, 'helios_commit_seconds_bucket', 0.75)).toBeCloseTo(0.15);
    expect(percentile([], 'helios_commit_seconds_bucket', 0.5)).toBeNull();
  });
  it('never answer infinity', () => {
    expect(percentile([bucket('0.1', 0), bucket('inf', 4)], 'helios_commit_seconds_bucket', 0.99)).toBe(0.1);
  });
});
