// Runs vitest and counts what it did. Only what ended well passed: a test without a result, a file that did not finish and
// a process that crashed count as failed. This file is vitest's reporter, too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crashNotes } from './crash-notes.mjs';

/** How vitest says that a test process ended; its file is among those that did not finish, its process among the crashes. */
const CRASHED_WORKER = '[vitest-pool]: Worker';
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));

export default class CountingReporter {
  onTestRunEnd(files, errors) {
    const tests = files.flatMap((file) => [...file.children.allTests()].map((test) => test.result().state));
    const has = (state) => tests.filter((one) => one === state).length;
    const unfinished = files.filter((file) => ['pending', 'queued'].includes(file.state()));
    // A file may fail without a failed test: its import, or a hook.
    const broken = files.filter((file) => file.state() === 'failed' && ![...file.children.allTests('failed')].length);
    const problems = [
      ...unfinished.map((file) => `did not finish: ${file.relativeModuleId}`),
      ...broken.map((file) => `failed outside its tests: ${file.relativeModuleId}`),
      ...errors.filter(({ message }) => !message.startsWith(CRASHED_WORKER)).map(({ message }) => `unhandled: ${message}`),
    ];
    const count = { passed: has('passed'), failed: has('failed') + has('pending') + problems.length, skipped: has('skipped'), problems };
    writeFileSync(process.env.TEST_COUNT, JSON.stringify(count));
  }
}

/** @returns {{ passed: number, failed: number, skipped: number, problems: string[] }} of the tests under `root`. */
export function runTests(root, args) {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-test-'));
  const counted = join(folder, 'count.json');
  const crashes = crashNotes();
  const env = { ...process.env, ...crashes.env, TEST_COUNT: counted };
  const reporters = ['--reporter=default', `--reporter=${fileURLToPath(import.meta.url)}`];
  const done = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  });
  const count = existsSync(counted) ? JSON.parse(readFileSync(counted, 'utf8')) : { passed: 0, failed: 0, skipped: 0, problems: [] };
  const more = crashes.read();
  if (done.signal) more.push(`the test runner ended by ${done.signal}`);
  else if (done.status !== 0 && count.failed + more.length === 0) more.push(`the test runner ended with ${done.status}`);
  rmSync(folder, { recursive: true, force: true });
  return { ...count, failed: count.failed + more.length, problems: [...count.problems, ...more] };
}
