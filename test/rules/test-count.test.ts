import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'test-count-'));
afterAll(() => rmSync(folder, { recursive: true }));
let projects = 0;

/** What `npm test` would count for a project of these test files. */
function counted(files: Readonly<Record<string, string>>): {
  passed: number;
  failed: number;
  skipped: number;
  problems: string[];
  forgiven: string[];
} {
  const root = join(folder, String(projects++));
  mkdirSync(join(root, 'test'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  const head = `import { it, expect } from 'vitest';\nimport { execFileSync, spawn, spawnSync } from 'node:child_process';\n`;
  for (const [name, body] of Object.entries(files)) writeFileSync(join(root, 'test', `${name}.test.ts`), head + body);
  const program = `import { runTests } from ${JSON.stringify(join(ROOT, 'scripts/test-count.mjs'))};
    const count = runTests(${JSON.stringify(root)}, []); console.log(JSON.stringify(count));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

describe('the count of npm test', { timeout: 120_000 }, () => {
  it('is what ended well, what failed and what was skipped', () => {
    const count = counted({ plain: `it('a', () => {}); it('b', () => expect(1).toBe(2)); it.skip('c', () => {});` });
    const problems = ['test/plain.test.ts: b: expected 1 to be 2 // Object.is equality'];
    expect(count).toEqual({ passed: 1, failed: 1, skipped: 1, problems, forgiven: [] });
  });

  it('lets a file that failed run once more, alone, and tells what passed then', () => {
    const once = `import { existsSync, writeFileSync } from 'node:fs'; const first = !existsSync('ran'); writeFileSync('ran', '');
      it('a', () => {}); it('b', () => expect(first).toBe(false));`;
    const count = counted({ once, always: `it('c', () => expect(1).toBe(2));`, well: `it('d', () => {});` });
    expect(count).toMatchObject({ passed: 3, failed: 1, skipped: 0, problems: [expect.stringMatching(/^test\/always.test.ts: c: /)] });
    expect(count.forgiven).toEqual(['test/once.test.ts: b: expected true to be false // Object.is equality']);
  });

  it('takes a test process that aborts for failed, with the tests it did not come to', () => {
    const {
      problems,
      forgiven: _,
      ...count
    } = counted({
      abort: `it('a', () => {}); it('b', async () => { await new Promise((done) => setTimeout(done, 300)); process.abort(); }); it('c', () => {});`,
      other: `it('d', () => {});`,
    });
    // b and c have no result, their file did not finish, its process crashed.
    expect(count).toEqual({ passed: 2, failed: 4, skipped: 0 });
    expect(problems).toEqual(['test/abort.test.ts: did not finish', expect.stringMatching(/^ended by SIGABRT: /)]);
  });

  it('takes a file for failed that aborts while it is read, or throws outside its tests', () => {
    const { problems, failed } = counted({ abort: 'process.abort();', broken: `it('a', () => {}); throw new Error('no');` });
    expect(problems.slice(0, 2)).toEqual(['test/abort.test.ts: did not finish', 'test/broken.test.ts: failed outside its tests']);
    expect(failed).toBe(3);
  });

  it('takes a child process that crashes for failed, however it was started and whatever the test says', () => {
    const {
      problems,
      forgiven: _,
      ...count
    } = counted({
      children: `const crash = [process.execPath, ['-e', 'process.kill(process.pid, "SIGSEGV")']];
        it('spawned', () => new Promise((done) => spawn(...crash, { stdio: 'ignore' }).on('exit', () => done())));
        it('waited for', () => void spawnSync(...crash));
        it('by a shell', () => expect(() => execFileSync('sh', ['-c', '"' + crash[0] + '" -e "process.abort()"; exit $?'])).toThrow());
        it('by a child', () => void spawnSync(process.execPath, ['-e', 'require("child_process").spawnSync(process.execPath, ["-e", "process.abort()"])']));
        it('stopped on purpose', () => new Promise((done) => {
          const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).on('exit', () => done());
          child.kill('SIGKILL');
        }));`,
    });
    expect(problems.map((problem) => problem.slice(0, 17)).sort()).toEqual([
      'ended by SIGABRT:',
      'ended by SIGABRT:',
      'ended by SIGSEGV:',
      'ended by SIGSEGV:',
    ]);
    expect(count).toEqual({ passed: 5, failed: 4, skipped: 0 });
  });
});
