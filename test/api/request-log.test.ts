import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requestLog } from '../../src/api/shell/request-log.ts';

const FULL_DEVICE = '/dev/full';
const LINE = `${'x'.repeat(999)}\n`;

// The service ended with ENOSPC when the file behind its standard output was on a full disk.
it.skipIf(process.platform !== 'linux')('a log on a full disk throws nothing, holds so much, and counts what it drops', async () => {
  const log = requestLog(FULL_DEVICE, 20_000);
  await new Promise((opened) => log.stream.once('ready', opened));
  for (let line = 0; line < 100; line++) {
    log.stream.write(LINE);
    await new Promise((written) => setImmediate(written));
  }
  expect(log.dropped).toBe(80);
});

it('what was held is written as soon as there is room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-log-'));
  const path = join(folder, 'log');
  const log = requestLog(FULL_DEVICE, 20_000);
  await new Promise((opened) => log.stream.once('ready', opened));
  for (let line = 0; line < 15; line++) log.stream.write(LINE);
  await new Promise((failed) => log.stream.once('error', failed));
  const written = new Promise((ready) => log.stream.once('ready', ready));
  log.stream.reopen(path);
  await written;
  log.stream.write(LINE);
  await expect.poll(() => readFileSync(path, 'utf8').length).toBe(16 * LINE.length);
  log.stream.destroy();
  rmSync(folder, { recursive: true, force: true });
});
