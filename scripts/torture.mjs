// `npm run torture -- NAME [--minutes N] [--seed S] [--rounds N] [--only PARTS] [--store folder|s3] [--json]`: runs one scenario of torture/ (built).
import { dirname, join } from 'node:path';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { crashNotes } from './crash-notes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const names = readdirSync(join(root, 'torture'))
  .filter((file) => /: Scenario = /.test(readFileSync(join(root, 'torture', file), 'utf8')))
  .map((file) => file.replace(/\.ts$/, ''));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    store: { type: 'string', default: 'folder' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const name = positionals[0];
if (values.help || !name || !names.includes(name) || !existsSync(join(root, 'dist', 'torture', `${name}.js`))) {
  console.error(
    `Usage: npm run torture -- NAME [--minutes N] [--seed S] [--rounds N] [--only PARTS] [--store folder|s3] [--json]\nscenarios: ${names.join(', ')}`,
  );
  process.exit(values.help ? 0 : 2);
}
const numbers = { minutes: Number(values.minutes), seed: Number(values.seed), rounds: Number(values.rounds ?? 1) };
const wrong = Object.entries(numbers).find(([flag, value]) => !(flag === 'seed' ? Number.isInteger(value) : value > 0));
if (wrong) {
  console.error(`--${wrong[0]} needs a number above 0, got "${values[wrong[0]]}"`);
  process.exit(2);
}
if (!['folder', 's3'].includes(values.store)) {
  console.error(`--store is folder or s3, got "${values.store}"`);
  process.exit(2);
}
// A process that breaks by itself fails the run, also one that a round would have killed.
const crashes = crashNotes();
Object.assign(process.env, crashes.env);
await import('./crash-watch.mjs');
const scenario = (await import(pathToFileURL(join(root, 'dist', 'torture', `${name}.js`)).href))[name];
const startedAt = Date.now();
const result = await scenario({
  minutes: numbers.minutes,
  seed: numbers.seed,
  ...(values.rounds ? { rounds: numbers.rounds } : {}),
  store: values.store,
  ...(values.only ? { only: values.only.split(',') } : {}),
  say: (line) => console.error(line),
});
const failures = [...result.failures, ...crashes.read()];
const failed = result.failed + failures.length - result.failures.length;
const report = { scenario: name, ...result, failed, failures, seconds: Math.round((Date.now() - startedAt) / 1000) };
if (values.json) console.log(JSON.stringify(report));
else for (const [key, value] of Object.entries(report)) console.log(`${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
process.exit(failed > 0 || (result.lost ?? 0) > 0 || (result.doubled ?? 0) > 0 ? 1 : 0);
