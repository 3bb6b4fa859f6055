import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { environmentOf, NODE_FLOOR, suits } from '../src/node-launcher.mjs';

const ROOT = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'launcher-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Says who runs it and with what, then does what its first argument says. */
const PROGRAM = `import { handOver, whenParentIsGone } from './dist/src/node-launcher.mjs';
  import { fileURLToPath } from 'node:url';
  await handOver(fileURLToPath(import.meta.url), process.argv.slice(2));
  const [act] = process.argv.slice(2);
  const wait = setInterval(() => {}, 1000);
  process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(3); });
  whenParentIsGone(() => { console.log('alone'); process.exit(4); });
  console.log(JSON.stringify({ pid: process.pid, version: process.version, args: process.argv.slice(2) }));
  if (act === 'seven') process.exit(7);
  if (act === 'crash') process.kill(process.pid, 'SIGKILL');`;
/** This Node, taken for an old one. The launcher of the program is the only one that is told so. */
const OLD = `Object.defineProperty(process, 'version', { value: 'v20.20.2' });
  await import('./program.mjs');`;

/** A checkout with a program, and perhaps a fetched Node: a link to the one that runs this test. */
function checkout(name: string, fetched: boolean): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'dist', 'src'), { recursive: true });
  for (const file of ['package.json', 'src/node-launcher.mjs'])
    copyFileSync(join(ROOT, file), join(root, file.replace('src/', 'dist/src/')));
  writeFileSync(join(root, 'program.mjs'), PROGRAM);
  writeFileSync(join(root, 'old.mjs'), OLD);
  const { platform, arch } = process;
  const packages = join(root, '.node', 'node_modules', `node-${platform}-${arch}`);
  if (!fetched) return root;
  mkdirSync(join(packages, 'bin'), { recursive: true });
  symlinkSync(process.execPath, join(packages, 'bin', 'node'));
  writeFileSync(join(packages, 'package.json'), JSON.stringify({ version: process.versions.node }));
  return root;
}

interface Run {
  readonly child: ChildProcess;
  said(): string;
  /** The object that the program prints first. */
  first(): Promise<{ pid: number; version: string; args: string[] }>;
  ended(): Promise<[number | null, NodeJS.Signals | null]>;
}

/** `stdout` closes when the last process that holds it has ended: the program, not only what started it. */
function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const { npm_lifecycle_event: _, ...clean } = process.env;
  const child = spawn(command, args, { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (said += part.toString()));
  const closed = new Promise<[number | null, NodeJS.Signals | null]>((done) => child.on('close', (...how) => done(how)));
  const first = new Promise<void>((done) => child.stdout?.once('data', () => done()));
  return {
    child,
    said: () => said,
    first: async () => {
      await first;
      return JSON.parse(said.split('\n')[0]) as { pid: number; version: string; args: string[] };
    },
    ended: () => closed,
  };
}

const onOldNode = (root: string, ...args: string[]): Run => start(process.execPath, [join(root, 'old.mjs'), ...args]);

describe.skipIf(process.platform === 'win32')('the launcher (POSIX)', () => {
  const root = checkout('with', true);

  it('knows which versions suit', () => {
    expect(['v22.11.9', 'v20.20.2', 'v4.9.0'].filter(suits)).toEqual([]);
    expect([`v${NODE_FLOOR}`, 'v22.13.0', 'v24.0.0', 'v100.0.0'].filter(suits).length).toBe(4);
  });

  it('hands over from an old Node to the fetched one, with arguments and exit code', async () => {
    const run = onOldNode(root, 'seven', '--flag=a b');
    expect(await run.ended()).toEqual([7, null]);
    expect(await run.first()).toMatchObject({ version: process.version, args: ['seven', '--flag=a b'] });
  });

  it('ends by the signal that ended the program', async () => {
    expect(await onOldNode(root, 'crash').ended()).toEqual([null, 'SIGKILL']);
  });

  it('passes a signal on, and ends as the program then ends', async () => {
    const run = onOldNode(root, 'stay');
    expect((await run.first()).pid).not.toBe(run.child.pid);
    run.child.kill('SIGTERM');
    expect(await run.ended()).toEqual([3, null]);
    expect(run.said()).toContain('asked to stop');
  });

  it('the program ends when the launcher is killed', async () => {
    const run = onOldNode(root, 'stay');
    await run.first();
    run.child.kill('SIGKILL');
    await run.ended();
    expect(run.said()).toContain('alone');
  });

  it('the program ends when the shell is killed that npm started it from; any other shell leaves it alone', async () => {
    const shell = ['-c', `"$0" "$1" stay; exit 0`, process.execPath, join(root, 'program.mjs')];
    const npm = start('sh', shell, { npm_lifecycle_event: 'npx' });
    await npm.first();
    npm.child.kill('SIGTERM');
    await npm.ended();
    expect(npm.said()).toContain('alone');
    const other = start('sh', shell);
    const { pid } = await other.first();
    other.child.kill('SIGTERM');
    await new Promise((done) => setTimeout(done, 1000));
    process.kill(pid, 'SIGTERM');
    await other.ended();
    expect(other.said()).toContain('asked to stop');
  });

  it('says what to do where no Node suits, in one sentence', async () => {
    const run = onOldNode(checkout('without', false), 'stay');
    expect(await run.ended()).toEqual([1, null]);
    expect(run.said()).toBe(
      `related-pins needs Node ${NODE_FLOOR} or newer. This is v20.20.2, and no newer one has been fetched. ` +
        '`npm run build` in its folder fetches one; nothing outside that folder changes.\n',
    );
  });

  it('puts the Node that runs first on the path, for every child', () => {
    const { PATH, npm_config_nodedir: headers } = environmentOf(join(root, '.node', 'bin', 'node'));
    expect(PATH?.split(':')[0]).toBe(join(root, '.node', 'bin'));
    expect(headers).toBe(process.env.npm_config_nodedir);
  });

  it('takes nothing but Node’s own oldest modules, so that an old Node can read it', () => {
    const sources = ['src/node-launcher.mjs', 'scripts/start.mjs'].map((file) => readFileSync(join(ROOT, file), 'utf8'));
    const modules = sources.flatMap((text) => [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name));
    expect(modules.length).toBeGreaterThan(5);
    expect(modules.filter((name) => !/^node:(child_process|fs|module|path|url)$|node-launcher/.test(name))).toEqual([]);
  });
});
