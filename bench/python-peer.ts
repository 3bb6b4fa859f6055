/** Runs a Python peer in an environment of its own: RELATED_PINS_BENCH_PYTHON, or one made now in a temporary folder. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PeerPython {
  readonly python: string | null;
  /** Why there is none. */
  readonly missing: string | null;
}

/** A Python that can import `modules`, installing `packages` when the bench makes the environment itself. */
export function peerPython(packages: readonly string[], modules: readonly string[]): PeerPython {
  const given = process.env.RELATED_PINS_BENCH_PYTHON;
  if (given) return checked(given, modules);
  const folder = join(tmpdir(), `related-pins-bench-${packages.join('-')}`);
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) {
    const made = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8' });
    if (made.status !== 0) return { python: null, missing: `python3 -m venv failed: ${made.stderr ?? made.error}` };
  }
  if (checked(python, modules).python) return { python, missing: null };
  const installed = spawnSync(python, ['-m', 'pip', 'install', '-q', ...packages], { encoding: 'utf8' });
  if (installed.status !== 0)
    return { python: null, missing: `pip install ${packages.join(' ')} failed: ${installed.stderr.trim().slice(-200)}` };
  return checked(python, modules);
}

/** Runs a script, returns the JSON of its last line. */
export function runPeer(python: string, script: string, args: readonly string[]): Record<string, unknown> {
  const done = spawnSync(python, ['-c', script, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(`the peer failed: ${done.stderr.slice(-500)}`);
  return JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

function checked(python: string, modules: readonly string[]): PeerPython {
  const tried = spawnSync(python, ['-c', `import ${modules.join(', ')}`], { encoding: 'utf8' });
  if (tried.status === 0) return { python, missing: null };
  return { python: null, missing: `${python} cannot import ${modules.join(', ')}` };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
