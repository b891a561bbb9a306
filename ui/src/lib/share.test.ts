import { expect, it } from 'vitest';
import { decodeFragment, encodeFragment } from './share';

it('carries any statement there and back', async () => {
  const sql = `-- ünïcode 😀\nselect '\u0000', :a\n`.repeat(50);
  const fragment = await encodeFragment(sql);
  expect(fragment.length).toBeLessThan(sql.length / 4);
  expect(fragment).toMatch(/^q=[A-Za-z0-9_-]+$/);
  expect(await decodeFragment(`#${fragment}`)).toBe(sql);
});

it('is nothing where there is no link or a damaged one', async () => {
  expect(await decodeFragment('')).toBeNull();
  expect(await decodeFragment('#q=***')).toBeNull();
  expect(await decodeFragment('#q=AAAA')).toBeNull();
});

it('refuses a short address that would unpack to very much', async () => {
  const fragment = await encodeFragment(' '.repeat(2_000_000));
  expect(fragment.length).toBeLessThan(10_000);
  expect(await decodeFragment(fragment)).toBeNull();
});
