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

/** What became of one file: its tests by state, and what went wrong, a line each. */
function countOf(file) {
  const tests = [...file.children.allTests()];
  const has = (state) => tests.filter((test) => test.result().state === state).length;
  const lost = ['pending', 'queued'].includes(file.state()) ? ['did not finish'] : [];
  const failed = tests.filter((test) => test.result().state === 'failed');
  // A file may fail without a failed test: its import, or a hook.
  const broken = file.state() === 'failed' && failed.length === 0 ? ['failed outside its tests'] : [];
  const said = (test) => `${test.fullName}: ${test.result().errors[0]?.message.split('\n')[0]}`;
  return {
    passed: has('passed'),
    failed: failed.length + has('pending') + lost.length + broken.length,
    skipped: has('skipped'),
    problems: [...lost, ...broken, ...failed.map(said)].map((problem) => `${file.relativeModuleId}: ${problem}`),
  };
}

export default class CountingReporter {
  onTestRunEnd(files, errors) {
    const problems = errors.filter(({ message }) => !message.startsWith(CRASHED_WORKER)).map(({ message }) => `unhandled: ${message}`);
    const counts = Object.fromEntries(files.map((file) => [file.relativeModuleId, countOf(file)]));
    writeFileSync(process.env.TEST_COUNT, JSON.stringify({ files: counts, problems }));
  }
}

/** One run of vitest: what became of each file, and what cannot be laid to one of them. */
function runOnce(root, args) {
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
  const { files, problems } = existsSync(counted) ? JSON.parse(readFileSync(counted, 'utf8')) : { files: {}, problems: [] };
  problems.push(...crashes.read());
  const failed = Object.values(files).some((file) => file.failed > 0);
  if (done.signal) problems.push(`the test runner ended by ${done.signal}`);
  else if (done.status !== 0 && !failed && problems.length === 0) problems.push(`the test runner ended with ${done.status}`);
  rmSync(folder, { recursive: true, force: true });
  return { files, problems };
}

/**
 * Runs the tests under `root`. Files that failed run once more, by themselves: what fails beside others on a busy machine
 * and not alone is counted as it ended and is told. A crash is never forgiven.
 * @returns {{ passed: number, failed: number, skipped: number, problems: string[], forgiven: string[] }}
 */
export function runTests(root, args) {
  const { files, problems } = runOnce(root, args);
  const again = Object.keys(files).filter((file) => files[file].failed > 0);
  const forgiven = [];
  if (again.length > 0 && problems.length === 0) {
    const second = runOnce(root, again);
    for (const file of again) if (second.files[file]?.failed === 0) forgiven.push(...files[file].problems);
    Object.assign(files, second.files);
    problems.push(...second.problems);
  }
  const counts = Object.values(files);
  const sum = (state) => counts.reduce((all, count) => all + count[state], 0);
  return {
    passed: sum('passed'),
    failed: sum('failed') + problems.length,
    skipped: sum('skipped'),
    problems: [...counts.flatMap((count) => count.problems), ...problems],
    forgiven,
  };
}
