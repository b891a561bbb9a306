// Clusters and sinks, against a real server and the real ClickHouse engine: made, looked at, away, parked, and well again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertAccessible, assertNoSidewaysScroll, assertNoTrouble, openPage, PHONE, push, shot, startBrowser, startServer, until, WIDE } from './world.mjs';

let server;
let browser;
let engine;
before(async () => {
  engine = await startEngine();
  if (engine.missing) return;
  // A cluster that is back is found so at once, and not after some seconds.
  server = await startServer({ command: 'run', env: { HELIOS_SECRET_CH: 'right' }, settings: '[sink]\nblock_delay_ms = 100\nretry_delay_max_ms = 300\n' });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await engine?.stop();
});

/** The engine, which takes one command after the other; says what is missing where it cannot be started. */
async function startEngine() {
  const python = fileURLToPath(new URL('../../target/real/venv/bin/python', import.meta.url));
  if (!fs.existsSync(python)) return { missing: 'no ClickHouse was installed (tests/real/install)' };
  const child = spawn(python, [fileURLToPath(new URL('engine.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    assert.ok(!done, 'the engine ended');
    return JSON.parse(value);
  };
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const told = await next();
  return {
    ...told,
    tell: (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return next();
    },
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

/** Each test goes on where the one before ended. */
function step(name, run) {
  test(name, async (t) => {
    if (engine.missing) return t.skip(engine.missing);
    const page = await openPage(browser, server.url);
    try {
      await run(page);
      assertNoTrouble(page);
    } finally {
      await page.leave();
    }
  });
}

const ROOMS = [
  ['light-wide', { theme: 'light', viewport: WIDE }],
  ['dark-phone', { theme: 'dark', viewport: PHONE, touch: true }],
  ['dark-wide', { theme: 'dark', viewport: WIDE }],
  ['light-phone', { theme: 'light', viewport: PHONE, touch: true }],
];

const PAGES = { system: '/system/clusters', stream: '/streams/orders?tab=settings' };

/** Looks at pages with sinks; `there` is what each must say. The first two rooms show both themes and both widths. */
async function look(name, there, pages, rooms = ROOMS.slice(0, 2)) {
  for (const [room, options] of rooms) {
    const page = await openPage(browser, server.url, options);
    for (const [at, address] of pages.map((at) => [at, PAGES[at]])) {
      await page.goto(address);
      const row = sinks(page).getByRole('row').filter({ hasText: 'ch.analytics.orders' });
      await row.getByText(there.state, { exact: true }).waitFor();
      // In the row, or under the table where the screen is narrow; either way in sight.
      if (there.error) await page.getByText(there.error).filter({ visible: true }).last().waitFor();
      if (at === 'system' && there.cluster) await clusters(page).getByText(there.cluster, { exact: true }).waitFor();
      await page.waitForFunction(() => !document.querySelector('.skeleton'));
      await page.evaluate(() => document.fonts.ready);
      await row.scrollIntoViewIfNeeded();
      await shot(page, `clusters-${name}-${at}-${room}`);
      await assertNoSidewaysScroll(page, `${name} ${at} ${room}`);
      const button = await row.getByRole('button').boundingBox();
      assert.ok(button.x + button.width <= options.viewport.width - 12, `the button of a sink is in sight: ${name} ${at} ${room}`);
      await assertAccessible(page, `${name} ${at} ${room}`);
    }
    assertNoTrouble(page);
    await page.leave();
  }
}

const sinks = (page) => page.getByRole('region', { name: 'Sinks', exact: true }).locator('table');
const clusters = (page) => page.getByRole('region', { name: 'Clusters', exact: true }).locator('table');
const go = (page, name = 'Continue') => page.getByRole('button', { name, exact: true }).click();
const order = (id) => JSON.stringify({ id, city: `c${id % 3}`, price: id / 4 });
const sink = async () => (await server.sql("SELECT * FROM system.sinks WHERE name = 'orders_ch'"))[0];

step('a cluster is shown with its state, and checked again on demand', async (page) => {
  await page.goto('/system/clusters');
  await page.getByText('No cluster yet').waitFor();
  await server.sql(`CREATE CLUSTER ch FROM CLICKHOUSE (url = '${engine.url}', user = 'helios', password = SECRET 'ch', database = 'analytics')`);
  await page.reload();
  const row = clusters(page).getByRole('row').filter({ hasText: engine.url });
  await row.getByText('answers', { exact: true }).waitFor();
  await row.getByText(/^26\./).waitFor();
  await go(page, 'Check ch');
  const checks = page.getByRole('region', { name: 'Checks', exact: true }).getByRole('row');
  for (const [check, found] of [['reach', engine.url], ['login', 'helios'], ['database', 'analytics'], ['rights', 'CREATE TABLE'], ['rights', 'DROP TABLE']]) {
    await checks.filter({ hasText: check }).filter({ hasText: found }).getByText('ok', { exact: true }).waitFor();
  }
  assert.equal(await page.locator('pre[aria-label=Statement]').innerText(), `ALTER CLUSTER ch SET (url = '${engine.url}')`);
  await shot(page, 'clusters-checks');
  await assertAccessible(page, 'the checks of a cluster');
});

step('the wizard offers the cluster as its last choice, and what is pushed then arrives there', async (page) => {
  await page.goto('/streams/new');
  await page.getByRole('button', { name: /^HTTP/ }).click();
  await page.getByLabel('Name of the stream').fill('orders');
  await go(page);
  await page.getByLabel('Paste a few records').fill(`${order(1)}\n${order(2)}`);
  await page.getByText('Looks like JSON').waitFor();
  await go(page);
  await page.getByText('All 2 samples would be stored.').waitFor();
  await go(page);
  const statement = page.locator('pre[aria-label=SQL]');
  await statement.getByText('CREATE STREAM orders').waitFor();
  assert.doesNotMatch(await statement.innerText(), /SINK/);
  await page.getByLabel('Also deliver its rows to').selectOption('ch');
  await statement.getByText('CREATE SINK orders_ch FROM orders INTO ch.orders').waitFor();
  assert.match(await statement.innerText(), /FORMAT JSON;\nCREATE SINK orders_ch FROM orders INTO ch\.orders;$/);
  assert.match(await page.locator('pre[aria-label="The same in a shell"]').innerText(), /helios sql 'CREATE STREAM[\s\S]*;'\nhelios sql 'CREATE SINK orders_ch FROM orders INTO ch\.orders;'$/);
  await shot(page, 'clusters-wizard');
  await assertAccessible(page, 'a sink as the last choice');
  // A table that is there and does not fit: the stream is made, the sink is not, and what is wrong with it is said.
  await engine.tell('CREATE TABLE analytics.orders (id Int32, city String, price Float64, _commit Int64) ENGINE = MergeTree ORDER BY id');
  await go(page, 'Create the stream');
  const alert = page.getByRole('alert');
  await alert.getByText(/^creating the sink; orders exists: the table analytics\.orders does not take what orders holds: id: Int32/).waitFor();
  await engine.tell('DROP TABLE analytics.orders SYNC');
  assert.deepEqual(page.troubles.splice(0).filter((trouble) => !/ 4\d\d |^4\d\d /.test(trouble)), [], 'nothing but the refusal');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await alert.waitFor({ state: 'detached' });
  await page.getByText('Listening for the first record').waitFor();
  await push(server, 'orders', `${order(1)}\n${order(2)}`);
  await until('both rows are in ClickHouse', async () => (await sink())?.n_rows === 2);
  assert.deepEqual(await engine.tell('SELECT city FROM analytics.orders ORDER BY id'), [['c1'], ['c2']]);
});

step('a sink that is well says where it delivers and that nothing waits', async () => {
  await until('it has caught up', async () => (await sink()).state === 'running');
  await look('well', { state: 'running', cluster: 'answers' }, ['system', 'stream'], ROOMS);
});

step('a second sink is made, paused and resumed on the page of the stream', async (page) => {
  await page.goto('/streams/orders?tab=settings');
  await page.getByLabel('Also deliver its rows to').selectOption('ch');
  await page.getByLabel('Table').fill('orders_too');
  await page.getByText('CREATE SINK orders_too_ch FROM orders INTO ch.orders_too').waitFor();
  await go(page, 'Create the sink');
  const row = sinks(page).getByRole('row').filter({ hasText: 'ch.analytics.orders_too' });
  await row.getByText('running', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Pause' }).click();
  await row.getByText('paused', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Resume' }).click();
  await row.getByText('running', { exact: true }).waitFor();
  await server.sql('DROP SINK orders_too_ch');
});

step('a cluster that is away is named with its error, and delivery goes on when it is back', async (page) => {
  await engine.tell('away');
  await push(server, 'orders', order(3));
  await until('the sink notices', async () => (await sink()).state === 'degraded');
  const error = new RegExp(`no answer from ${engine.url}.*Check the option url`);
  await look('away', { state: 'degraded', error, cluster: 'away' }, ['system']);
  await page.goto('/system/clusters');
  await clusters(page).getByText(error).waitFor();
  const lag = sinks(page).getByRole('row').filter({ hasText: 'ch.analytics.orders' });
  await lag.getByText('none', { exact: true }).waitFor({ state: 'detached' });
  await engine.tell('back');
  await lag.getByText('running', { exact: true }).waitFor();
  await lag.getByText('none', { exact: true }).waitFor();
  await clusters(page).getByText('answers', { exact: true }).waitFor();
});

step('a sink whose table no longer fits is parked with the words of ClickHouse, and resumed', async (page) => {
  await engine.tell('ALTER TABLE analytics.orders DROP COLUMN city');
  await push(server, 'orders', order(4));
  await until('the sink is parked', async () => (await sink()).state === 'parked');
  await look('parked', { state: 'parked', error: /the cluster ch says: .*city.*RESUME SINK then tries again/ }, ['stream']);
  await page.goto('/streams/orders?tab=settings');
  const row = sinks(page).getByRole('row').filter({ hasText: 'ch.analytics.orders' });
  await row.getByRole('button', { name: 'Resume' }).click();
  await row.getByText('running', { exact: true }).waitFor();
  assert.deepEqual(await engine.tell('SELECT city FROM analytics.orders WHERE id = 4'), [['c1']]);
});
