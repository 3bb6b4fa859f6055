// `npm test`: builds, checks types, runs every test, and closes with the line `N passed, N failed, N skipped`.
// `npm test -- FILTER` runs the files whose name holds FILTER.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from './test-count.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const types = [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.check.json'];
const typed = spawnSync(process.execPath, types, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
const { passed, failed, skipped, problems, forgiven } = runTests(root, process.argv.slice(2));
for (const problem of forgiven) console.log(`passed when its file ran again, alone: ${problem}`);
for (const problem of [...(typed ? [] : ['types: failed']), ...problems]) console.log(`failed: ${problem}`);
const all = failed + (typed ? 0 : 1);
console.log(`${passed} passed, ${all} failed, ${skipped} skipped`);
process.exit(all > 0 ? 1 : 0);
