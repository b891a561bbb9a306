// What every test here needs: a real server with a data directory of its own, a browser, and pages that notice trouble.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const axeSource = fs.readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

export const SHOTS = path.join(root, 'target/screenshots');
export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts the binary named by HELIOS_BIN; `command` is `demo` or `run`. Stopped and removed by `stop`. */
export async function startServer({ command = 'demo', port, data, settings = '', env = {} } = {}) {
  const binary = process.env.HELIOS_BIN ?? path.join(root, 'target/debug/helios');
  assert.ok(fs.existsSync(binary), `${binary} is not there; build it, or name it with HELIOS_BIN`);
  const folder = data ?? fs.mkdtempSync(path.join(os.tmpdir(), 'helios-e2e-'));
  const listen = `127.0.0.1:${port ?? (await freePort())}`;
  const args = [command, '--data', path.join(folder, 'data'), '--listen', listen, '--log', 'warn'];
  if (settings) {
    fs.writeFileSync(path.join(folder, 'helios.toml'), settings);
    args.push('--config', path.join(folder, 'helios.toml'));
  }
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (log += bytes));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = `http://${listen}`;
  await until(`${url} is ready`, async () => {
    assert.equal(child.exitCode, null, `the server ended: ${log}`);
    return (await fetch(`${url}/readyz`).catch(() => null))?.ok;
  });
  return {
    url,
    folder,
    log: () => log,
    sql: (text) => askSql(url, text),
    /** Loads a file as a person with a shell would. */
    load: (file, stream) => execute(binary, ['load', file, '--into', stream, '--url', url]),
    /** Ends the process; the data stays unless it is asked to go. */
    async stop({ keep = false, signal = 'SIGTERM' } = {}) {
      child.kill(signal);
      await ended;
      if (!keep) fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

const execute = promisify(execFile);

async function askSql(url, sql) {
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql }) });
  const body = await response.json();
  assert.ok(response.ok, `${sql}: ${JSON.stringify(body)}`);
  return body.data;
}

/** Pushes records, which must be taken. */
export async function push(server, stream, body) {
  const response = await fetch(`${server.url}/v1/streams/${stream}/records`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal(response.status, 200, await response.text());
}

/** Waits until something holds; fails with its name after a while. */
export async function until(what, holds, withinMs = 20_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await holds();
    if (value) return value;
    assert.ok(Date.now() < end, `waited ${withinMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

/** A page of its own session that collects whatever goes wrong in it. */
export async function openPage(browser, base, { viewport = WIDE, theme = 'light', touch = false, ...rest } = {}) {
  const context = await browser.newContext({ viewport, hasTouch: touch, colorScheme: theme, baseURL: base, acceptDownloads: true, ...rest });
  await context.addInitScript((wanted) => localStorage.setItem('helios.theme', wanted), theme);
  const page = await context.newPage();
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && troubles.push(`console: ${message.text()} (${message.location().url})`));
  page.on('response', (response) => response.status() >= 400 && troubles.push(`${response.status()} ${response.request().method()} ${response.url()}`));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(base).origin) troubles.push(`left the server: ${request.url()}`);
  });
  return Object.assign(page, { troubles, leave: () => context.close() });
}

/** Fails if anything went wrong on the page so far. */
export function assertNoTrouble(page) {
  assert.deepEqual(page.troubles, []);
}

/** Fails on any rule of WCAG 2.0 to 2.2 AA, and on best practice. */
export async function assertAccessible(page, name) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  const told = violations.map((one) => `${one.id} (${one.nodes.length}): ${one.nodes[0]?.html.slice(0, 200)} ${one.nodes[0]?.any[0]?.message ?? ''}`);
  assert.deepEqual(told, [], `${name} can be used by everybody`);
}

/** Fails where the page is wider than the screen. */
export async function assertNoSidewaysScroll(page, name) {
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(inner <= outer, `${name} is ${inner} px wide on a screen of ${outer} px`);
}

/** Keeps a picture for people to look at. */
export async function shot(page, name) {
  fs.mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}
