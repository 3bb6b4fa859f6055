// Writes clients/typescript/api.ts, the types of the OpenAPI document: npm run build, then node scripts/write-client.mjs
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const load = (file) => import(join(root, 'dist', 'src', file));
const { readConfig } = await load('config.js');
const { openContext } = await load('service/context.js');
const { buildApp } = await load('api/shell/app.js');
const { documentDigest } = await load('api/shell/openapi.js');

const folder = mkdtempSync(join(tmpdir(), 'related-pins-client-'));
const context = await openContext(readConfig({ RELATED_PINS_LOG_LEVEL: 'silent' }), folder, { lock: true });
const app = await buildApp(context);
const document = (await app.inject('/v1/openapi.json')).json();
await app.close();
await context.close();

// It needs the compiler's JavaScript interface, which the TypeScript of this project no longer has: npx brings both.
const [input, output] = ['openapi.json', 'api.ts'].map((name) => join(folder, name));
writeFileSync(input, JSON.stringify(document));
execFileSync('npx', ['--yes', '--package=openapi-typescript@7', '--package=typescript@5', 'openapi-typescript', input, '-o', output], {
  cwd: folder,
});
const head = `// Made by scripts/write-client.mjs of the OpenAPI document ${documentDigest(document)}; do not edit.\n`;
const target = join(root, 'clients', 'typescript', 'api.ts');
writeFileSync(target, head + readFileSync(output, 'utf8'));
execFileSync(process.execPath, [join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs'), '--write', target]);
rmSync(folder, { recursive: true });
