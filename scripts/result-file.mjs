// Figures that are kept: bench/results/NAME.json holds what a command printed, the command, machine, Node and commit.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Where and with what a figure was made. A commit that ends in `+` had changes of code that are not in it. */
export function provenance() {
  const machine = `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
  return { machine, node: process.version, commit: commitOf(), at: new Date().toISOString() };
}

function commitOf() {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'lab', 'bench', 'data', ':!bench/results');
    return git('rev-parse', '--short=12', 'HEAD') + (changed === '' ? '' : '+');
  } catch {
    return null;
  }
}

/** Writes a result; of a path of this machine its last two parts are kept. */
export function writeResult(name, result) {
  const plain = (_, value) =>
    typeof value === 'string' ? value.replace(/(?<![\w.:/])(?:\/[^/\s"',]+)+\/([^/\s"',]+\/[^/\s"',]+)/g, '$1') : value;
  writeFileSync(join(root, 'bench', 'results', `${name}.json`), `${JSON.stringify(result, plain, 1)}\n`);
}
