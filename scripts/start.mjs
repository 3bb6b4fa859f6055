// `node scripts/start.mjs [FILE ARGS...]`: how every npm script starts. Finds a Node that suits (fetches one where there is
// none), installs and builds what is missing, and runs FILE with that Node. Node's own modules only, for any Node from 16 on.
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { environmentOf, fetchNode, runOn, suitableNode } from '../src/node-launcher.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** True when every required package of the lock file is installed at the locked version. */
function installed() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(marker)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(marker, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.optional || entry.peer) continue;
    if (present[path]?.version !== entry.version) return false;
  }
  return true;
}

/** Runs a command for a Node. What it says goes to standard error: the last line of standard output is FILE's. */
function run(node, command, args) {
  const env = { ...environmentOf(node), ONNXRUNTIME_NODE_INSTALL: process.env.ONNXRUNTIME_NODE_INSTALL ?? 'skip' };
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], env, shell: process.platform === 'win32' });
  return new Promise((done) => child.on('exit', (code) => done(code ?? 1)).on('error', () => done(1)));
}

async function mustRun(node, command, args) {
  const code = await run(node, command, args);
  if (code !== 0) process.exit(code);
}

/** Packages without their scripts: they bring what they need prebuilt, whatever npm's version would run. hnswlib-node alone compiles. */
async function install(node) {
  // npm ci empties what is behind a link: the packages of another checkout.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error('related-pins: node_modules is a link and does not hold what the lock file asks for; replace it by a folder.');
    process.exit(1);
  }
  console.error('related-pins: installing packages (npm ci) ...');
  await mustRun(node, 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
}

async function compileHnswlib(node) {
  const folder = join(root, 'node_modules', 'hnswlib-node');
  if (!existsSync(folder) || existsSync(join(folder, 'build'))) return;
  if ((await run(node, 'npm', ['rebuild', 'hnswlib-node', '--ignore-scripts=false'])) === 0) return;
  console.error(
    'related-pins: hnswlib-node did not compile (it needs a C++ toolchain). Without it imported vectors are compared one and all, which is slow from some 100,000 on.',
  );
}

/** What runs the graph index, the one part that compiles (12 s). */
const USES_HNSWLIB = ['scripts/test.mjs', 'scripts/bench.mjs'];

/** Types are checked by a bare build (`npm run build`) and by `npm test`. */
async function ensureInstalled(node, file) {
  // npm ci runs `prepare`, which comes here: packages are there then, or left out on purpose (--omit=dev).
  const withinInstall = ['ci', 'install'].includes(process.env.npm_command) && process.env.npm_lifecycle_event === 'prepare';
  if (!withinInstall && !installed()) await install(node);
  const check = file === undefined ? [] : ['--no-check'];
  const build = mustRun(node, node, [join(root, 'scripts', 'build.mjs'), '--if-stale', ...check]);
  await Promise.all([build, USES_HNSWLIB.includes(file) && compileHnswlib(node)]);
}

const node = suitableNode() ?? fetchNode();
const [file, ...args] = process.argv.slice(2);
await ensureInstalled(node, file);
if (file && node === process.execPath) {
  process.argv = [node, resolve(root, file), ...args];
  await import(pathToFileURL(process.argv[1]).href);
} else if (file) await runOn(node, [resolve(root, file), ...args]);
