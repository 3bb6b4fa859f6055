import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('format', () => {
  it('every file is as `npm run format` leaves it', () => {
    const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'format', '--max-diagnostics=5', '.'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(status, `${stdout}\n${stderr}`).toBe(0);
  });
});
