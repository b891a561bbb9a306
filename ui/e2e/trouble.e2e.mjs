// What goes wrong outside of the app: tokens that end, servers and streams that go away, bytes that nobody expects.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assertAccessible, assertNoTrouble, freePort, openPage, push, shot, startBrowser, startServer, until } from './world.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

const asking = (token) => `[serve]\ntoken_sha256 = "${createHash('sha256').update(token).digest('hex')}"\n`;

test('a server with a token: a wrong one is refused, the right one goes everywhere, and one that ends is asked for again', async () => {
  const port = await freePort();
  const first = await startServer({ port, settings: asking('first') });
  const page = await openPage(browser, first.url);
  const dialog = page.getByRole('dialog', { name: 'This server asks for a token' });
  const give = async (token) => {
    await dialog.getByLabel('Access token').fill(token);
    await page.keyboard.press('Enter');
  };
  try {
    await page.goto('/');
    await dialog.waitFor();
    await give('wrong');
    await dialog.getByText('does not take the token').waitFor();
    await shot(page, 'trouble-token-refused');
    await assertAccessible(page, 'a refused token');
    await give('first');
    await dialog.waitFor({ state: 'hidden' });
    // The live connection carries it, too.
    await page.getByRole('banner').getByText(/^Live/).waitFor();
    await page.goto('/streams/shop?tab=tail');
    await page.getByRole('grid', { name: 'Newest rows of shop' }).getByRole('row').nth(1).waitFor();
    await first.stop({ keep: true });
    const second = await startServer({ port, data: first.folder, settings: asking('second') });
    try {
      await dialog.waitFor();
      await give('second');
      await dialog.waitFor({ state: 'hidden' });
      await page.getByRole('banner').getByText(/^Live/).waitFor();
      const grid = page.getByRole('grid', { name: 'Newest rows of shop' });
      const before = await grid.getByRole('row').nth(1).innerText();
      await until('rows move again', async () => (await grid.getByRole('row').nth(1).innerText()) !== before);
    } finally {
      await second.stop();
    }
  } finally {
    await page.leave();
  }
});

test('a stream that is dropped is said to be gone on each part of its page', async () => {
  const server = await startServer({ command: 'run' });
  try {
    for (const [tab, there] of [['tail', 'Waiting for the next row'], ['health', 'Stages'], ['schema', 'Columns'], ['quarantine', 'Every record fits'], ['settings', 'Retention']]) {
      const name = `gone_${tab}`;
      await server.sql(`CREATE STREAM ${name} (id BIGINT) FROM HTTP`);
      const page = await openPage(browser, server.url);
      await page.goto(`/streams/${name}?tab=${tab}`);
      await page.getByText(there).or(page.getByRole('region', { name: there })).first().waitFor();
      await server.sql(`DROP STREAM ${name}`);
      await page.getByText('This stream is not there').waitFor();
      assertNoTrouble(page);
      await page.leave();
    }
    // A query of a stream that is gone says so and keeps its text.
    await server.sql('CREATE STREAM short (id BIGINT) FROM HTTP');
    await push(server, 'short', '{"id": 1}');
    const page = await openPage(browser, server.url);
    await page.goto('/query');
    await page.locator('.cm-content').click();
    await page.keyboard.insertText('SELECT * FROM short');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('gridcell').first().waitFor();
    await server.sql('DROP STREAM short');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').getByText(/short/).first().waitFor();
    assert.match(await page.locator('.cm-content').innerText(), /SELECT \* FROM short/);
    await page.leave();
  } finally {
    await server.stop();
  }
});

test('null bytes, control characters and right-to-left text are seen as what they are, everywhere', async () => {
  const server = await startServer({ command: 'run' });
  const page = await openPage(browser, server.url);
  try {
    await server.sql('CREATE STREAM odd (id BIGINT, "<b>שם</b>" TEXT) FROM HTTP');
    await push(server, 'odd', JSON.stringify({ id: 1, '<b>שם</b>': 'مرحبا\u0000\u001b[31m\u202Ex' }));
    await push(server, 'odd', JSON.stringify({ id: 'a\u0000<script>alert(1)</script>', '<b>שם</b>': 'x' }));
    await page.goto('/query');
    await page.locator('.cm-content').click();
    await page.keyboard.insertText('SELECT * FROM odd');
    await page.keyboard.press('Control+Enter');
    await page.locator('#cell-0-1').waitFor();
    const shown = await page.locator('#cell-0-1').innerText();
    assert.match(shown, /مرحبا␀␛\[31m/);
    // What turns the direction of writing stays within its cell.
    assert.equal(await page.locator('#cell-0-1').evaluate((cell) => getComputedStyle(cell).unicodeBidi), 'isolate');
    await page.getByRole('columnheader', { name: '<b>שם</b>' }).waitFor();
    await page.locator('#query-result [role=grid]').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('␀').waitFor();
    await page.keyboard.press('Escape');
    await page.goto('/quarantine?stream=odd');
    await page.locator('pre[aria-label=Payload]').waitFor();
    assert.match(await page.locator('pre[aria-label=Payload]').innerText(), /<script>alert\(1\)<\/script>/);
    await page.goto('/streams/odd?tab=schema');
    await page.getByRole('button', { name: 'What is in them?' }).click();
    await page.getByText(/from the newest 1 row/).waitFor();
    await shot(page, 'trouble-odd-columns');
    await assertAccessible(page, 'odd columns');
    assertNoTrouble(page);
  } finally {
    await page.leave();
    await server.stop();
  }
});
