// `npm test`: builds, checks types, runs every test, and closes with the line `N passed, N failed, N skipped`.
// `npm test -- FILTER` runs the files whose name holds FILTER.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (args, env = {}) =>
  spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  }).status ?? 1;

let failedSteps = 0;
if (run([join('scripts', 'build.mjs'), '--if-stale']) !== 0) failedSteps++;
if (run([join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.check.json']) !== 0) {
  console.error('types: failed');
  failedSteps++;
}
const folder = mkdtempSync(join(tmpdir(), 'related-pins-test-'));
const report = join(folder, 'report.json');
const status = run([
  join('node_modules', 'vitest', 'vitest.mjs'),
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
let passed = 0;
let failed = failedSteps;
let skipped = 0;
if (existsSync(report)) {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed = result.numPassedTests;
  failed += result.numFailedTests;
  skipped = result.numPendingTests;
  if (status !== 0 && failed === 0) failed = 1;
} else failed += 1;
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || status !== 0 ? 1 : 0);
