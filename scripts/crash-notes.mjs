// What crash-watch.mjs notes in the processes that get `env`, and in their children.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export function crashNotes() {
  const file = join(mkdtempSync(join(tmpdir(), 'related-pins-crashes-')), 'notes');
  const watch = `--import=${new URL('./crash-watch.mjs', import.meta.url).href}`;
  return {
    env: { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${watch}`.trim(), TEST_CRASH_NOTES: file },
    /** A line for each process that crashed, to be read once, at the end. */
    read() {
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
      rmSync(dirname(file), { recursive: true, force: true });
      return lines.map((line) => `ended by ${line}`);
    },
  };
}
