// Runs before `npm test`, `npm run demo`, `npm run bench`: installs and builds what is missing, with Node's own modules only.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };

function run(command, args) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

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

if (!installed()) {
  // npm ci empties what is behind a link: the packages of another checkout.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error('related-pins: node_modules is a link and does not hold what the lock file asks for; replace it by a folder.');
    process.exit(1);
  }
  console.error('related-pins: installing packages (npm ci) ...');
  run('npm', ['ci', '--no-audit', '--no-fund']);
} else {
  run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--if-stale']);
}
