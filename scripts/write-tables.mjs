// Rewrites what is made from the tables in the code: .env.example and the settings table of the README.
// Run it after changing src/config.ts (and building): node scripts/write-tables.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { SETTINGS } = await import(pathToFileURL(join(root, 'dist', 'src', 'config.js')).href);
const rows = Object.values(SETTINGS);
writeFileSync(
  join(root, '.env.example'),
  `${rows.map((row) => `# ${row.meaning}${row.unit ? ` (${row.unit})` : ''}\n# ${row.env}=${row.default}`).join('\n')}\n`,
);
const table = [
  '| setting | default | meaning |',
  '|---|---|---|',
  ...rows.map(
    (row) => `| \`${row.env}\` | ${row.default === '' ? '' : `\`${row.default}\``} | ${row.meaning}${row.unit ? ` (${row.unit})` : ''} |`,
  ),
].join('\n');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
writeFileSync(join(root, 'README.md'), readme.replace(/(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/, `$1${table}\n$2`));

// The job table, from the command line's own list.
const listed = [
  ...readFileSync(join(root, 'src', 'cli.ts'), 'utf8').matchAll(/\[\s*'([a-z-]+)',\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"),\s*\(\)/g),
];
const jobs = [
  '| job | what it does |',
  '|---|---|',
  ...listed.map(([, name, single, double]) => `| \`${name}\` | ${single ?? double} |`),
].join('\n');
const withSettings = readFileSync(join(root, 'README.md'), 'utf8');
writeFileSync(join(root, 'README.md'), withSettings.replace(/(<!-- jobs -->\n)[\s\S]*?(<!-- \/jobs -->)/, `$1${jobs}\n$2`));
