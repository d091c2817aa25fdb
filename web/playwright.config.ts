// The dashboard in a real browser, against the stack as `make run` runs it.
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { defineConfig } from '@playwright/test';

const free = (port: number) =>
  new Promise<boolean>((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });

// Workers read this file too, and find what the first process chose.
if (!process.env.LATCHKEY_PORT) {
  let port: number;
  do port = 20_000 + Math.floor(Math.random() * 10_000);
  while (!(await free(port)) || !(await free(port + 1)) || !(await free(port + 2)));
  process.env.LATCHKEY_PORT = String(port);
  process.env.LATCHKEY_DATA = mkdtempSync(join(tmpdir(), 'latchkey-web-'));
}
const url = `http://127.0.0.1:${process.env.LATCHKEY_PORT}`;
const root = resolve(import.meta.dirname, '..');

export default defineConfig({
  testDir: 'tests',
  outputDir: '../build/web-tests',
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  // Two browsers, a database and a mail server share two cores: what fails once and passes then is listed as flaky.
  retries: 1,
  expect: { timeout: 10_000 },
  reporter: [['list', { printSteps: false }]],
  use: {
    baseURL: url,
    browserName: 'chromium',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    permissions: ['clipboard-read', 'clipboard-write'],
    screenshot: 'only-on-failure',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
  webServer: {
    command: `exec ${join(root, 'build/latchkey')} dev`,
    cwd: root,
    url: `${url}/config.json`,
    // Many mails of one admin in one day, which a deployment would not allow.
    env: { PORT: process.env.LATCHKEY_PORT, DATA_DIR: process.env.LATCHKEY_DATA!, MAILS_PER_INVITER: '100000', MAILS_PER_NEW_WORKSPACE: '100000' },
    gracefulShutdown: { signal: 'SIGTERM', timeout: 15_000 },
    timeout: 60_000,
  },
});
