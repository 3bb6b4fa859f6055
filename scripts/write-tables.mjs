// Rewrites what is made from the tables in the code: .env.example and the settings table of the README.
// Run it after changing src/config.ts (and building): node scripts/write-tables.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { SETTINGS } = await import(pathToFileURL(join(root, 'dist', 'src', 'config.js')).href);
const rows = Object.values(SETTINGS);
writeFileSync(join(root, '.env.example'), `${rows.map((row) => `# ${row.meaning}${row.unit ? ` (${row.unit})` : ''}\n# ${row.env}=${row.default}`).join('\n')}\n`);
const table = ['| setting | default | meaning |', '|---|---|---|', ...rows.map((row) => `| \`${row.env}\` | ${row.default === '' ? '' : `\`${row.default}\``} | ${row.meaning}${row.unit ? ` (${row.unit})` : ''} |`)].join('\n');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
writeFileSync(join(root, 'README.md'), readme.replace(/(<!-- settings -->\n)[\s\S]*?(\n<!-- \/settings -->)/, `$1${table}$2`));
