// `npm run record -- NAME COMMAND...`: runs a job and keeps its receipt as bench/results/NAME.json. COMMAND is a job of
// related-pins, or `lab` and a job of the lab, with its flags: `npm run record -- simulate-aa lab simulate-experiments --suite aa`.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provenance, writeResult } from './result-file.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name, ...words] = process.argv.slice(2);
if (!/^[a-z0-9-]+$/.test(name ?? '') || words.length === 0) {
  console.error('Usage: npm run record -- NAME [lab] JOB [FLAGS]');
  process.exit(2);
}
const lab = words[0] === 'lab';
const job = lab ? words.slice(1) : words;
const cli = join(root, 'dist', lab ? 'lab' : 'src', 'cli.js');
const made = provenance();
const { stdout, status } = spawnSync(process.execPath, [cli, ...job, '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
});
const receipt = JSON.parse(stdout.trim().split('\n').at(-1));
if (receipt.error) {
  console.error(receipt.error.message);
  process.exit(status || 1);
}
// A study whose promises are broken ends with 1: that is a figure, too.
const command = `${lab ? 'npm run lab --' : 'related-pins'} ${job.join(' ')} --json`;
writeResult(name, { command, exit: status, ...receipt, ...made });
console.log(`bench/results/${name}.json`);
