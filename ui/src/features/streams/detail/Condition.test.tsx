import { expect, it } from 'vitest';
import { secondsLeft } from './Condition';

it('what is left is what waits, over what is gained each second', () => {
  const stages = [{ name: 'source', events_per_s: 200, age_ms: 0 }];
  expect(secondsLeft({ lag: { 0: 600, 1: 600 }, events_per_s: 500, stages })).toBe(4);
  expect(secondsLeft({ lag: 600, events_per_s: 200, stages })).toBeNull();
  expect(secondsLeft({ lag: 0, events_per_s: 500, stages })).toBeNull();
  expect(secondsLeft({ lag: null, events_per_s: 500, stages })).toBeNull();
});
