// Every page, in both themes, wide and on a phone: nothing fails, everybody can use it, nothing is cut off at the side.
import { after, before, test } from 'node:test';
import { assertAccessible, assertNoSidewaysScroll, assertNoTrouble, openPage, PHONE, shot, startBrowser, startServer, WIDE } from './world.mjs';

const PAGES = [
  ['overview', '/', 'Health'],
  ['streams', '/streams', 'Streams'],
  ['streams-new', '/streams/new', null],
  ['stream-tail', '/streams/shop?tab=tail', 'Tail'],
  ['stream-health', '/streams/shop?tab=health', 'Stages'],
  ['stream-schema', '/streams/shop?tab=schema', 'Columns'],
  ['stream-quarantine', '/streams/shop?tab=quarantine', null],
  ['stream-settings', '/streams/shop?tab=settings', null],
  ['stream-gone', '/streams/never_there', null],
  ['query', '/query', null],
  ['quarantine', '/quarantine', 'Causes'],
  ['system-health', '/system/health', 'Process'],
  ['system-queries', '/system/queries', null],
  ['system-storage', '/system/storage', null],
  ['system-settings', '/system/settings', null],
  ['system-about', '/system/about', null],
  ['not-found', '/nowhere', null],
];

let server;
let browser;
before(async () => {
  server = process.env.HELIOS_URL ? { url: process.env.HELIOS_URL, stop: () => {} } : await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const [name, address, region] of PAGES) {
  for (const theme of ['light', 'dark']) {
    for (const [size, viewport] of [['wide', WIDE], ['phone', PHONE]]) {
      const label = `${name}-${theme}-${size}`;
      test(label, async () => {
        const page = await openPage(browser, server.url, { theme, viewport, touch: size === 'phone' });
        try {
          await page.goto(address);
          await page.locator('h1').first().waitFor();
          if (region) await page.locator(`[aria-label="${region}"]`).first().waitFor();
          await settled(page);
          await shot(page, label);
          await assertNoSidewaysScroll(page, label);
          await assertAccessible(page, label);
          // A stream that is not there is asked for on purpose, and the answer is a 404.
          if (name !== 'stream-gone') assertNoTrouble(page);
        } finally {
          await page.leave();
        }
      });
    }
  }
}

/** Waits until nothing is loading and charts have drawn their first frame. */
async function settled(page) {
  await page.waitForLoadState('networkidle').catch(() => undefined);
  await page.waitForFunction(() => !document.querySelector('.skeleton'));
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}
