// What a stream's page knows beyond its newest rows, and how everything is used without a mouse, without motion, or enlarged.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertNoSidewaysScroll, assertNoTrouble, openPage, push, shot, startBrowser, startServer, until } from './world.mjs';

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Runs a test with a page of its own, at the one server. */
function look(name, options, run) {
  test(name, async () => {
    const page = await openPage(browser, server.url, options);
    try {
      await run(page);
      assertNoTrouble(page);
    } finally {
      await page.leave();
    }
  });
}

look('each stage says how fast and how old records are, and the chart knows the minutes before', {}, async (page) => {
  await until('some minutes of figures are there', async () => (await fetch(`${server.url}/api/v1/streams/shop`).then((answer) => answer.json())).freshness_ms.p99 !== null);
  await page.goto('/streams/shop?tab=health');
  const stages = page.getByRole('region', { name: 'Stages' }).getByRole('listitem');
  await until('all five stages have an age', async () => {
    const texts = await stages.allInnerTexts();
    return texts.length === 5 && /age counts from here/.test(texts[0]) && texts.slice(1).every((text) => /[\d.]+\s?(ms|s|min) old/.test(text));
  });
  // Right at the start: every line was known before the page was opened.
  const summary = await page.locator('[aria-label^="Freshness. p50: latest"]').getAttribute('aria-label');
  assert.match(summary, /p95: latest .*p99: latest/);
  assert.doesNotMatch(summary, /no values yet/);
  await page.locator('[aria-label^="Events per second."][aria-label*="UTC: Helios started"]').waitFor();
  await page.getByRole('region', { name: 'Figures' }).getByText('Records a commit').waitFor();
  await shot(page, 'details-health');
});

look('the tail can be read from the oldest row, from a time and from a position, and goes back to the newest', {}, async (page) => {
  await page.goto('/streams/shop?tab=tail');
  const from = page.getByRole('combobox', { name: 'Show rows from' });
  await from.selectOption('oldest');
  const past = page.getByRole('grid', { name: 'Rows of shop, oldest first' });
  await past.getByRole('row').nth(1).waitFor();
  await page.getByText(/From the oldest row, oldest first: 200 rows/).waitFor();
  await page.getByRole('button', { name: 'Show 200 more' }).click();
  await page.getByText(/400 rows/).waitFor();
  assert.match(page.url(), /seek=oldest/);
  const [row] = await server.sql('SELECT _offset, CAST(_time AS VARCHAR) AS at FROM shop ORDER BY _offset OFFSET 1000 LIMIT 1');
  // The demo gives all rows of a moment the same position.
  const sessions = (await server.sql(`SELECT session_id FROM shop WHERE _offset = ${row._offset}`)).map((each) => each.session_id);
  await from.selectOption('position');
  await page.getByRole('textbox', { name: 'Position' }).fill(String(row._offset));
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await until('the row of that position comes first', async () => {
    const first = await past.getByRole('row').nth(1).innerText();
    return sessions.some((session) => first.includes(session));
  });
  await from.selectOption('time');
  await page.getByLabel('Time, in UTC').fill(row.at.slice(0, 19));
  await page.getByRole('button', { name: 'Go', exact: true }).click();
  await page.getByText(`From ${row.at.slice(0, 19).replace('T', ' ')} UTC, oldest first: 200 rows`).waitFor();
  const [select, go] = await Promise.all([from.boundingBox(), page.getByRole('button', { name: 'Go', exact: true }).boundingBox()]);
  assert.ok(Math.abs(select.y - go.y) < 8, 'what belongs together stands in one line');
  await shot(page, 'details-seek');
  await assertAccessible(page, 'rows of the past');
  await page.reload();
  await page.getByText(/UTC, oldest first: 200 rows/).waitFor();
  await page.getByRole('button', { name: 'Follow the newest' }).click();
  await page.getByRole('grid', { name: 'Newest rows of shop' }).getByRole('row').nth(1).waitFor();
});

look('a row says what became of each field of its record', {}, async (page) => {
  await server.sql('CREATE STREAM parts (id BIGINT NOT NULL, note TEXT) FROM HTTP');
  await push(server, 'parts', '{"id": 9007199254740993, "coupon": {"code": "X", "n": 9223372036854775807}}');
  await page.goto('/streams/parts?tab=tail');
  await page.getByRole('grid', { name: 'Newest rows of parts' }).getByRole('row').nth(1).click();
  const panel = page.getByRole('complementary', { name: 'One row' });
  await panel.getByRole('tab', { name: 'As stored' }).click();
  const fates = await panel.getByRole('listitem').allInnerTexts();
  assert.match(fates[0], /^id\s*→?\s*BIGINT\s+9007199254740993$/);
  assert.match(fates[1], /note[\s\S]*TEXT, not in the record/);
  assert.match(fates[2], /coupon[\s\S]*no column, kept in _rest[\s\S]*9223372036854775807/);
  await shot(page, 'details-as-stored');
  await assertAccessible(page, 'what became of each field');
  await panel.getByRole('tab', { name: 'Raw' }).click();
  await panel.getByText('"coupon"').waitFor();
  await panel.getByRole('tab', { name: 'Headers' }).click();
  await panel.getByText('The record has no headers.').waitFor();
});

look('columns show what is in them, and from how many rows that is known', {}, async (page) => {
  await page.goto('/streams/shop?tab=schema');
  await page.getByRole('button', { name: 'What is in them?' }).click();
  await page.getByText('from the newest 10,000 rows').waitFor();
  const kinds = await page.getByRole('region', { name: 'Columns' }).getByRole('row').filter({ hasText: 'action_type' }).innerText();
  assert.match(kinds, /view[\s\S]*\d+\s?%[\s\S]*add_to_cart/);
  await shot(page, 'details-columns');
  await assertAccessible(page, 'what is in the columns');
});

look('from nothing to a result with the keyboard alone', {}, async (page) => {
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.getAttribute('aria-label') || '');
  const tabTo = async (name, key = 'Tab') => {
    for (let n = 0; n < 60; n += 1) {
      await page.keyboard.press(key);
      if ((await focused()).startsWith(name)) return;
    }
    assert.fail(`no way to ${name} with Tab; the focus is on ${await focused()}`);
  };
  await page.goto('/');
  await page.getByRole('button', { name: 'Query it' }).waitFor();
  await tabTo('Skip to');
  await page.keyboard.press('Enter');
  await tabTo('Query it');
  await page.keyboard.press('Enter');
  await page.getByRole('grid', { name: 'Query results' }).getByRole('gridcell').first().waitFor();
  await page.keyboard.press('Alt+ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'grid', 'the focus is where it was before the dialog');
  await page.keyboard.press('Alt+ArrowUp');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('SELECT 6 * 7 AS answer');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('columnheader', { name: 'answer' }).waitFor();
  // A menu: opened, walked through and closed, with the focus back on its button.
  await page.keyboard.press('Escape');
  await tabTo('More actions', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Save', exact: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  assert.match(await focused(), /^More actions/);
});

look('nothing moves for those who do not want it', { reducedMotion: 'reduce' }, async (page) => {
  await page.goto('/');
  await page.locator('.live-dot').first().waitFor();
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').map((one) => one.animationName ?? one.transitionProperty));
  assert.deepEqual(moving, []);
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior), 'auto');
});

look('a page of twice the size loses nothing at its side', { viewport: { width: 720, height: 450 } }, async (page) => {
  for (const address of ['/', '/streams', '/streams/shop?tab=health', '/query', '/quarantine', '/system/health']) {
    await page.goto(address);
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await page.waitForLoadState('networkidle').catch(() => undefined);
    await assertNoSidewaysScroll(page, address);
  }
});

look('colours that the system forces leave everything to be seen', { forcedColors: 'active' }, async (page) => {
  await page.goto('/streams/shop?tab=health');
  await page.locator('.uplot canvas').nth(1).waitFor();
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  await shot(page, 'details-forced-colors');
  await assertAccessible(page, 'forced colours');
});
