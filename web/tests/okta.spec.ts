// Signing out where the issuer demands the ID token, as Okta does.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@playwright/test';
import { signUp, unique } from './stack';

const root = resolve(import.meta.dirname, '../..');

/** Three free ports in a row, of which the first is returned. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A stack whose issuer behaves like Okta; another port is tried where one is taken meanwhile. */
async function start(): Promise<{ process: ChildProcess; url: string }> {
  for (let tries = 0; ; tries++) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const process = spawn(join(root, 'build/latchkey'), ['dev', '-port', String(port), '-data', mkdtempSync(join(tmpdir(), 'latchkey-okta-')), '-issuer', 'okta'], {
      cwd: root,
      stdio: 'ignore',
    });
    while (process.exitCode === null) {
      if (await fetch(`${url}/config.json`).then((r) => r.ok, () => false)) return { process, url };
      await new Promise((later) => setTimeout(later, 200));
    }
    if (tries === 5) throw new Error('no stack starts');
  }
}

test('signing out posts the ID token, in no address', async ({ browser }) => {
  test.slow(); // a stack of its own
  const { process, url } = await start();
  const page = await browser.newPage({ baseURL: url });
  try {
    const email = `ada.${unique()}@corp.example`;
    await signUp(email, 'Ada Admin', url);
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Email').fill(email);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const leaving = page.waitForRequest((r) => new URL(r.url()).pathname === '/local/logout');
    await page.getByRole('button', { name: 'Sign out' }).click();
    const asked = await leaving;
    expect(asked.method()).toBe('POST');
    expect(new URL(asked.url()).search).toBe('');
    expect(new URLSearchParams(asked.postData() ?? '').get('id_token_hint')).toMatch(/^ey/);
    await expect(page.getByRole('button', { name: 'Create an account' })).toBeVisible();
    expect(page.url()).toBe(`${url}/`);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    // The issuer has forgotten the session, too.
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByLabel('Email')).toBeVisible();
  } finally {
    await page.close();
    process.kill('SIGTERM');
    await once(process, 'exit');
  }
});
