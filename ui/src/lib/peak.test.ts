import { describe, expect, it } from 'vitest';
import { topFor } from './peak';

const points = (n: number, value: number) => Array.from({ length: n }, () => value);

describe('topFor', () => {
  it('cuts a burst that is over', () => {
    expect(topFor([...points(4, 100_000), ...points(25, 500)])).toEqual({ top: 800, peak: 100_000 });
  });
  it('draws a burst that is still going on, and what is not much higher than normal', () => {
    expect(topFor([...points(25, 500), ...points(4, 100_000)])).toBeNull();
    expect(topFor([...points(4, 1500), ...points(25, 500)])).toBeNull();
  });
  it('waits until it knows what is normal', () => {
    expect(topFor([...points(4, 100_000), ...points(5, 500)])).toBeNull();
    expect(topFor([null, ...points(25, 0)])).toBeNull();
  });
});
