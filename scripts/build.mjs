// Builds dist/: TypeScript by tsc, WebAssembly text by wabt, web pages by vite. `--if-stale` builds only when a source
// is newer, `--no-check` leaves the types unchecked (6 s less).
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync, chmodSync, utimesSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built');

function* files(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

function newest() {
  let time = 0;
  for (const folder of ['src', 'lab', 'bench', 'torture', 'scripts'])
    for (const file of files(join(root, folder))) time = Math.max(time, statSync(file).mtimeMs);
  for (const file of ['package-lock.json', 'tsconfig.json', 'vite.config.ts'])
    if (existsSync(join(root, file))) time = Math.max(time, statSync(join(root, file)).mtimeMs);
  return time;
}

let failed = false;

/** A step that fails is said; the steps after it still run, and the build fails at the end. */
function run(label, command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status === 0) return;
  console.error(`build: ${label} failed`);
  failed = true;
}

async function buildWasm() {
  const sources = [...files(join(root, 'src'))].filter((file) => file.endsWith('.wat'));
  if (sources.length === 0) return;
  const wabt = await (await import('wabt')).default();
  for (const source of sources) {
    const module = wabt.parseWat(source, readFileSync(source, 'utf8'), { simd: true, threads: true, bulk_memory: true });
    const target = join(root, 'dist', relative(root, source)).replace(/\.wat$/, '.wasm');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, module.toBinary({}).buffer);
    module.destroy();
  }
}

/**
 * TypeBox is 679 files, which each thread would read and link one by one: a quarter of a second and 23 MB. Node finds this copy
 * of three entries before the package; where `dist` travels without it, the package serves as well.
 */
async function bundleTypeBox() {
  const [from, to] = [join(root, 'node_modules', 'typebox'), join(root, 'dist', 'node_modules', 'typebox')];
  const { build } = await import('vite');
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: to,
      emptyOutDir: true,
      copyPublicDir: false,
      target: 'node22',
      rollupOptions: {
        input: { index: 'typebox', value: 'typebox/value', compile: 'typebox/compile' },
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
      },
    },
  });
  const { name, version, license } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const entries = { '.': './index.mjs', './value': './value.mjs', './compile': './compile.mjs' };
  writeFileSync(join(to, 'package.json'), JSON.stringify({ name, version, license, type: 'module', exports: entries }));
  copyFileSync(join(from, 'license'), join(to, 'license'));
}

const tsc = [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...(process.argv.includes('--no-check') ? ['--noCheck'] : [])];
const startedAt = Date.now();
if (process.argv.includes('--if-stale') && existsSync(stamp) && statSync(stamp).mtimeMs >= newest()) process.exit(0);
await buildWasm();
await bundleTypeBox();
run('tsc', process.execPath, [...tsc, '-p', 'tsconfig.json']);
if (existsSync(join(root, 'vite.config.ts')))
  run('vite', process.execPath, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn']);
const cli = join(root, 'dist', 'src', 'cli.js');
if (existsSync(cli)) chmodSync(cli, 0o755);
if (failed) process.exit(1);
writeFileSync(stamp, '');
utimesSync(stamp, new Date(startedAt), new Date(startedAt));
