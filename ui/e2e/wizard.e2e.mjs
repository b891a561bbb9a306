// The wizard, against a real server and a real Kafka broker: from nothing to a stream that holds rows.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertAccessible, assertNoSidewaysScroll, assertNoTrouble, openPage, PHONE, push, shot, startBrowser, startServer, until, WIDE } from './world.mjs';

let server;
let browser;
before(async () => {
  server = process.env.HELIOS_URL ? { url: process.env.HELIOS_URL, stop: () => {} } : await startServer({ command: 'run' });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Names are new in each run, so that the tests may meet a server that has seen them before. */
const fresh = (name) => `${name}_${Date.now().toString(36)}`;

async function sql(text) {
  const response = await fetch(`${server.url}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql: text }) });
  const body = await response.json();
  assert.ok(response.ok, `${text}: ${JSON.stringify(body)}`);
  return body.data;
}

const countOf = async (stream) => Number((await sql(`SELECT count(*) AS n FROM ${stream}`))[0].n);

async function openWizard(source, options) {
  const page = await openPage(browser, server.url, options);
  await page.goto('/streams/new');
  await page.getByRole('button', { name: new RegExp(`^${source}`) }).click();
  return page;
}

const go = (page, name = 'Continue') => page.getByRole('button', { name, exact: true }).click();

test('HTTP: pasted records give the columns, edits show at once, and the first push flips the page', async () => {
  const name = fresh('clicks');
  const page = await openWizard('HTTP');
  await page.getByLabel('Name of the stream').fill(name);
  await page.getByText(`/v1/streams/${name}/records`).waitFor();
  await go(page);
  await page.getByLabel('Paste a few records').fill('{"id": 1, "at": "2026-11-21T12:00:00Z", "price": 1.5}\n{"id": 2, "at": "2026-11-21T12:00:01Z", "price": "n/a"}');
  await page.getByText('Looks like JSON').waitFor();
  await go(page);
  await page.getByLabel('Type of price').selectOption('DOUBLE');
  await page.getByText('1 of 2 samples would go to quarantine').waitFor();
  await page.getByLabel('Type of price').selectOption('JSON');
  await page.getByText('All 2 samples would be stored.').waitFor();
  assert.equal(await page.getByLabel('Event time').inputValue(), 'at');
  await page.getByLabel('Keep rows for').selectOption('7 days');
  await go(page);
  const statement = await page.locator('pre[aria-label=SQL]').innerText();
  assert.match(statement, /price JSON/);
  assert.match(statement, /EVENT TIME at/);
  assert.match(statement, /RETAIN INTERVAL '7 days'/);
  await go(page, 'Create the stream');
  await page.getByText('Listening for the first record').waitFor();
  const pushed = await fetch(`${server.url}/v1/streams/${name}/records`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id": 7, "at": "2026-11-21T12:00:00Z", "price": "free"}' });
  assert.equal(pushed.status, 200);
  await page.getByText('1 record has arrived.').waitFor();
  assertNoTrouble(page);
  await page.leave();
  await sql(`DROP STREAM ${name}`);
});

test('columns are called what a person wants, and the sample shows it at once', async () => {
  const name = fresh('renamed');
  const page = await openWizard('HTTP');
  await page.getByLabel('Name of the stream').fill(name);
  await go(page);
  await page.getByLabel('Paste a few records').fill('{"userId": 1, "Created At": "2026-11-21T12:00:00Z", "amount": 1.5}\n{"userId": 2, "Created At": "2026-11-21T12:00:01Z"}');
  await go(page);
  await page.getByLabel('Name of userId').fill('amount');
  await page.getByText('Two columns have this name.').first().waitFor();
  await page.getByText('The name of a column is not right yet.').waitFor();
  await page.getByLabel('Name of userId').fill('user_id');
  await page.getByLabel('Name of Created At').fill('created_at');
  await page.getByRole('region', { name: 'The sample as rows' }).getByRole('columnheader', { name: 'user_id' }).waitFor();
  await page.getByRole('region', { name: 'The sample as rows' }).getByRole('cell', { name: '2026-11-21T12:00:01Z' }).waitFor();
  await page.getByLabel('amount is required').check();
  await page.getByText('1 of 2 samples would go to quarantine').waitFor();
  await shot(page, 'wizard-renamed');
  await assertAccessible(page, 'renamed columns');
  assert.equal(await page.getByLabel('Event time').inputValue(), 'created_at');
  await go(page);
  const statement = await page.locator('pre[aria-label=SQL]').innerText();
  assert.match(statement, /user_id BIGINT.* FROM \("userId"\)/);
  assert.match(statement, /created_at TIMESTAMP.* FROM \("Created At"\)[\s\S]*EVENT TIME created_at/);
  await go(page, 'Create the stream');
  await page.getByText('Listening for the first record').waitFor();
  await push(server, name, '{"userId": 9007199254740993, "Created At": "2026-11-21T12:00:00Z", "amount": 2}');
  const [row] = await sql(`SELECT CAST(user_id AS VARCHAR) AS id, created_at, amount FROM ${name}`);
  assert.deepEqual([row.id, row.created_at, row.amount], ['9007199254740993', '2026-11-21T12:00:00Z', 2]);
  assertNoTrouble(page);
  await page.leave();
  await sql(`DROP STREAM ${name}`);
});

test('a draft outlives leaving the page, and each step has an address', async () => {
  const name = fresh('drafted');
  const page = await openWizard('HTTP');
  await page.getByLabel('Name of the stream').fill(name);
  await go(page);
  await page.getByLabel('Paste a few records').fill('{"id": 1}');
  await go(page);
  await page.getByLabel('Keep id').waitFor();
  const address = page.url();
  assert.match(address, /step=schema/);
  // The last answer of the preview has been taken into the draft, and the draft to the server.
  await until('the draft is kept', async () => (await fetch(`${server.url}/api/v1/drafts/${new URL(address).searchParams.get('draft')}`).then((response) => response.text())).includes('"columns":[{'));
  await page.goto('/streams');
  await page.goto(address);
  await page.getByLabel('Keep id').waitFor();
  await page.getByRole('button', { name: /^Connect/ }).click();
  assert.equal(await page.getByLabel('Name of the stream').inputValue(), name);
  await page.goBack();
  await page.getByLabel('Keep id').waitFor();
  await page.leave();
});

test('a file is sampled, loaded and counted', async () => {
  const name = fresh('readings');
  const page = await openWizard('File');
  const rows = Array.from({ length: 5000 }, (_, index) => `${index},sensor${index % 7},${index % 100 === 3 ? 'broken' : (index / 10).toFixed(1)}`);
  await page.getByLabel('File to load').setInputFiles({ name: 'readings 2026.csv', mimeType: 'text/csv', buffer: Buffer.from(`id,sensor,value\n${rows.join('\n')}\n`) });
  await page.getByLabel('Name of the stream').fill(name);
  await go(page);
  await page.getByText('Looks like CSV').waitFor();
  await go(page);
  await page.getByLabel('Type of value').selectOption('DOUBLE');
  await page.getByText(/2 of 200 samples would go to quarantine/).waitFor();
  await page.getByLabel('Name of sensor').fill('device');
  await page.getByRole('region', { name: 'The sample as rows' }).getByRole('cell', { name: 'sensor6' }).first().waitFor();
  await go(page);
  await page.getByText(`{ echo 'id,device,value'; tail -n +2 'readings 2026.csv'; }`).waitFor();
  await go(page, 'Create the stream and load the file');
  await page.getByText('The file is in: 4,950 stored, 50 in quarantine.').waitFor();
  assert.equal(await countOf(name), 4950);
  assert.equal((await sql(`SELECT count(DISTINCT device) AS n FROM ${name} WHERE value > 1`))[0].n, 7);
  assertNoTrouble(page);
  await page.leave();
  await sql(`DROP STREAM ${name}`);
});

test('the demo needs two clicks', async () => {
  const name = fresh('shop');
  const page = await openWizard('Demo');
  await page.getByLabel('Name of the stream').fill(name);
  await go(page);
  await go(page, 'Create the stream');
  await page.waitForURL(new RegExp(`/streams/${name}`));
  await until('events arrive', async () => (await countOf(name)) > 0);
  await page.leave();
  await sql(`DROP STREAM ${name}`);
});

test('a broker that does not answer is named, with what to change', async () => {
  const page = await openWizard('Kafka');
  await page.getByLabel('Brokers', { exact: true }).fill('127.0.0.1:1');
  await page.getByLabel('Topic', { exact: true }).fill('orders');
  await go(page, 'Check the connection');
  const checks = page.getByRole('region', { name: 'Connection checks' });
  await checks.getByText('One of the checks failed.').waitFor({ timeout: 60_000 });
  assert.match(await checks.getByRole('listitem').filter({ hasText: 'Port answers' }).innerText(), /failed/);
  await shot(page, 'wizard-checks-failed');
  await page.leave();
});

test('Kafka: a client.properties fills the form, and its password is not taken', async () => {
  const page = await openWizard('Kafka');
  await page.getByText('Paste a client.properties').click();
  await page.getByLabel('Pasted text').fill('bootstrap.servers=a:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=ana\nsasl.password=hunter2');
  await page.getByText('The password was not taken over').waitFor();
  assert.equal(await page.getByLabel('Brokers', { exact: true }).inputValue(), 'a:9092');
  assert.equal(await page.getByLabel('User', { exact: true }).inputValue(), 'ana');
  await page.leave();
});

test('Kafka: from a real topic to a stream with its rows', async (t) => {
  const broker = await startBroker();
  if (broker.missing) return t.skip(broker.missing);
  const name = fresh('orders');
  for (const [theme, size, viewport] of [['light', 'wide', WIDE], ['dark', 'phone', PHONE]]) {
    const page = await openWizard('Kafka', { theme, viewport, touch: size === 'phone' });
    const look = async (step) => {
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      await shot(page, `wizard-${step}-${theme}-${size}`);
      await assertNoSidewaysScroll(page, step);
      await assertAccessible(page, step);
    };
    await page.getByLabel('Brokers', { exact: true }).fill(broker.address);
    await go(page, 'Show topics');
    await go(page, 'orders');
    await go(page, 'Check the connection');
    await page.getByText('Everything answers.').waitFor();
    const lines = await page.getByRole('region', { name: 'Connection checks' }).getByRole('listitem').allInnerTexts();
    assert.deepEqual(lines.map((line) => line.split(/[:\n]/)[0]), ['Name resolves', 'Port answers', 'Encryption', 'Login', 'Cluster and topic', 'Permission to read', 'One record decoded']);
    await page.getByLabel('Name of the stream').fill(name);
    await look('connect');
    await go(page);
    await page.getByText('Looks like JSON').waitFor();
    await look('sample');
    await go(page);
    await page.getByText(/samples would/).waitFor();
    await page.getByLabel('Type of amount').selectOption('DOUBLE');
    await page.getByText(/of 200 samples would go to quarantine/).waitFor();
    await page.getByLabel('Name of customer').fill('customer_id');
    await page.getByRole('region', { name: 'The sample as rows' }).getByRole('columnheader', { name: 'customer_id' }).waitFor();
    await page.getByRole('group', { name: 'Key' }).getByLabel('order_id').check();
    await look('schema');
    await go(page);
    await page.getByText('This is the statement that will be run').waitFor();
    await look('review');
    if (size === 'wide') {
      await go(page, 'Create the stream');
      await page.waitForURL(new RegExp(`/streams/${name}`));
      await until('every order is there', async () => (await countOf(name)) === 294);
      assert.equal((await sql(`SELECT count(DISTINCT customer_id) AS n FROM ${name}`))[0].n, 9);
      await page.getByText(/the first records could be asked for [\d.]+\s?(ms|s) after/).waitFor();
      await shot(page, 'wizard-landed');
      assertNoTrouble(page);
      await sql(`DROP STREAM ${name}`);
    }
    await page.leave();
  }
  const page = await openWizard('Kafka');
  await page.getByLabel('Brokers', { exact: true }).fill(broker.address);
  await page.getByLabel('Topic', { exact: true }).fill('empty');
  await go(page);
  await page.getByText('The topic is empty').waitFor();
  await page.getByLabel('Paste a few records').waitFor();
  await shot(page, 'wizard-empty-topic');
  await assertAccessible(page, 'an empty topic');
  await page.getByRole('button', { name: 'Wait for one' }).click();
  broker.produce('empty', { id: 1, at: '2026-11-21T12:00:00Z' });
  await page.getByText('Looks like JSON').waitFor();
  await page.getByRole('region', { name: 'Sample records' }).getByText('"id": 1').waitFor();
  await page.leave();
  broker.stop();
});

const startBroker = () => startHelper('broker.py');

/** A real source of its own, through what the real-server tests have installed; says what is missing otherwise. */
async function startHelper(script) {
  const python = fileURLToPath(new URL('../../target/real/venv/bin/python', import.meta.url));
  if (!fs.existsSync(python)) return { missing: 'nothing was installed to read from (tests/real/install)' };
  const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
  const told = await new Promise((resolve, reject) => {
    child.stdout.once('data', (bytes) => resolve(JSON.parse(bytes)));
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  after(() => child.stdin.end());
  return { ...told, produce: (topic, record) => child.stdin.write(`${JSON.stringify([topic, record])}\n`), stop: () => child.stdin.end() };
}

test('Kinesis: from a stream of two shards to a stream with its rows', async (t) => {
  const emulator = await startHelper('shards.py');
  if (emulator.missing) return t.skip(emulator.missing);
  // Credentials are those that the server finds, so it has an environment of its own.
  const own = await startServer({ command: 'run', env: emulator.environment });
  const page = await openPage(browser, own.url);
  try {
    await page.goto('/streams/new');
    await page.getByRole('button', { name: /^Kinesis/ }).click();
    await page.getByLabel('Region', { exact: true }).fill('eu-west-1');
    await page.getByLabel('Address', { exact: true }).fill(emulator.address);
    await go(page, 'Show streams');
    await go(page, 'clicks');
    await go(page, 'Check the connection');
    await page.getByText('Everything answers.').waitFor({ timeout: 60_000 });
    await shot(page, 'wizard-kinesis');
    await assertAccessible(page, 'connecting Kinesis');
    await go(page);
    await page.getByText('Looks like JSON').waitFor();
    await go(page);
    await page.getByLabel('Name of userId').fill('user_id');
    await page.getByText(/All \d+ samples would be stored/).waitFor();
    await go(page);
    assert.match(await page.locator('pre[aria-label=SQL]').innerText(), /user_id[\s\S]*FROM KINESIS \([^)]*'clicks'/);
    await go(page, 'Create the stream');
    await page.waitForURL(/\/streams\/clicks/);
    await until('every click is there', async () => Number((await own.sql('SELECT count(*) AS n FROM clicks'))[0].n) === 60, 60_000);
    assert.equal((await own.sql('SELECT count(DISTINCT user_id) AS n FROM clicks'))[0].n, 7);
    assertNoTrouble(page);
  } finally {
    await page.leave();
    await own.stop();
    emulator.stop();
  }
});

test('everybody can use the first step', async () => {
  for (const [theme, size, viewport] of [['light', 'wide', WIDE], ['dark', 'phone', PHONE]]) {
    const page = await openPage(browser, server.url, { theme, viewport, touch: size === 'phone' });
    await page.goto('/streams/new');
    await page.getByText('Where do the events come from?').waitFor();
    await shot(page, `wizard-source-${theme}-${size}`);
    await assertNoSidewaysScroll(page, 'source');
    await assertAccessible(page, 'source');
    await page.leave();
  }
});
