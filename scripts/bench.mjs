// `npm run bench -- NAME [--json] [--record] [flags]`: runs bench/NAME/run.ts (built). Without a name: lists them; with
// `--help`: its README.
// `--record` also writes the result, with machine, Node and commit, into bench/results/NAME.json.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { provenance, writeResult } from './result-file.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name, ...argv] = process.argv.slice(2);
const names = readdirSync(join(root, 'bench'), { withFileTypes: true })
  .filter((entry) => existsSync(join(root, 'bench', entry.name, 'run.ts')))
  .map((entry) => entry.name);
if (!name || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--json]\nbenches: ${names.join(', ')}`);
  process.exit(name === undefined || name === '--help' ? 0 : 2);
}
if (argv.includes('--help') || argv.includes('-h')) {
  console.log(readFileSync(join(root, 'bench', name, 'README.md'), 'utf8').trim());
  process.exit(0);
}
const json = argv.includes('--json');
const { run } = await import(pathToFileURL(join(root, 'dist', 'bench', name, 'run.js')).href);
const flags = argv.filter((arg) => arg !== '--json' && arg !== '--record');
const made = provenance();
const answer = await run({ argv: flags, json }).catch((error) => {
  const isUsage = error.cause === 'usage';
  console.error(isUsage ? `${error.message}\n(npm run bench -- ${name} --help tells more)` : error);
  process.exit(isUsage ? 2 : 1);
});
const result = { bench: name, command: `npm run bench -- ${[name, ...flags].join(' ')}`, ...answer, ...made };
if (argv.includes('--record')) writeResult(name, result);
if (json) console.log(JSON.stringify(result));
else for (const [key, value] of Object.entries(result)) console.log(`${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
process.exit(0);
