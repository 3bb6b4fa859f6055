import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { SERVING_MEMORY } from '../../src/api/shell/serving-memory.ts';
import { type ServiceProcess, startService } from '../../torture/service-process.ts';
import { worldFolder } from '../world.ts';

let service: ServiceProcess | null = null;
afterEach(() => service?.kill());

/** The loader of glibc ends each of its settings with a zero. */
const environmentOf = (pid: number): string => readFileSync(`/proc/${pid}/environ`, 'latin1').replaceAll('\0', ':');

// process.execve came with 22.15.
const able = process.platform === 'linux' && typeof process.execve === 'function';

it.skipIf(!able)('serve says how its memory is given and keeps its process id; what the operator says stays', async () => {
  service = await startService(await worldFolder());
  expect(environmentOf(service.pid)).toContain(SERVING_MEMORY.GLIBC_TUNABLES);
  expect(await service.stop()).toBe(0);
  const own = 'glibc.malloc.trim_threshold=131072';
  service = await startService(await worldFolder(), { GLIBC_TUNABLES: own });
  expect(environmentOf(service.pid)).toContain(own);
  expect(environmentOf(service.pid)).not.toContain('arena_max');
});

/** The command line of a process. */
const commandLine = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

it.skipIf(!able)(
  'the young generation of every thread is bounded for the process, unless NODE_OPTIONS says another',
  async () => {
    service = await startService(await worldFolder(), { RELATED_PINS_WORKERS: '2' });
    expect(commandLine(service.pid)).toContain('--max-semi-space-size=16 ');
    // Readers are threads: no process of their own.
    expect(readFileSync(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8').trim()).toBe('');
    expect(await service.stop()).toBe(0);
    service = await startService(await worldFolder(), { NODE_OPTIONS: '--max-semi-space-size=8' });
    expect(commandLine(service.pid)).not.toContain('--max-semi-space-size');
  },
  180_000,
);
