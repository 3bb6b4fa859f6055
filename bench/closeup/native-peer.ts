/** The native peer (bench/peers/closeup): built by cargo where there is one, run in a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVING_MEMORY } from '../../src/api/shell/serving-memory.ts';
import { projectRoot } from '../../src/worker-url.ts';
import type { Contender } from '../contest.ts';

export type Peer = { readonly program: string } | { readonly missing: string };

/** Builds the peer for the processor at hand, with what Cargo.lock names. */
export function builtPeer(): Peer {
  const folder = fileURLToPath(new URL('bench/peers/closeup', projectRoot()));
  const env = { ...process.env, RUSTFLAGS: '-C target-cpu=native', CARGO_TARGET_DIR: join(folder, 'target') };
  const built = spawnSync('cargo', ['build', '--release', '--locked'], { cwd: folder, env, encoding: 'utf8' });
  if (built.error) return { missing: `cargo does not run: ${built.error.message}` };
  if (built.status !== 0) return { missing: `cargo build failed: ${built.stderr.trim().slice(-500)}` };
  return { program: join(folder, 'target', 'release', 'closeup-peer') };
}

/** Starts the peer over the artifacts of a data folder; it logs the lists it serves to `log`. Large memory pages, as the service. */
export async function startPeer(program: string, { folder, candidates, log }: PeerOrder): Promise<Contender> {
  const env = { ...process.env, ...SERVING_MEMORY };
  const child = spawn(program, [folder, String(candidates), log], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    origin: `http://127.0.0.1:${Number(String(port))}`,
    usage: async () => usageOf(child.pid ?? 0),
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

interface PeerOrder {
  readonly folder: string;
  readonly candidates: number;
  readonly log: string;
}

/** From Linux's own book: ticks of 10 ms, pages of 4 KiB. */
function usageOf(pid: number): Awaited<ReturnType<Contender['usage']>> {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const cpuMicros = (Number(fields[11]) + Number(fields[12])) * 10_000;
  // It has one thread.
  return { cpuMicros, mainMicros: cpuMicros, rssBytes: Number(fields[21]) * 4096 };
}
