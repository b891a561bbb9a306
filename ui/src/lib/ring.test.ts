import { describe, expect, it } from 'vitest';
import { appendPoints } from './ring';

describe('appendPoints', () => {
  it('keeps everything while there is room', () => {
    expect(appendPoints([1, 2], [3], 5)).toEqual([1, 2, 3]);
  });
  it('drops the oldest', () => {
    expect(appendPoints([1, 2, 3], [4, 5], 3)).toEqual([3, 4, 5]);
  });
  it('keeps only the newest of a burst larger than the room', () => {
    expect(appendPoints([1], [2, 3, 4, 5], 2)).toEqual([4, 5]);
  });
});
