/**
 * How memory is given to a process that serves. It must be said before the process starts; anything but glibc ignores the first.
 *
 * Large pages: columns, codes and class scores are read at random rows, and with pages of 4 KiB a good part of that is looking
 * up pages (docs/SCALE.md). Two arenas: with one for each thread, every thread keeps what it once needed. Buffers from 256 KiB on
 * come from the system and go back to it: pictures and tensors of many sizes would leave holes. What each setting gave is in
 * docs/DECISIONS.md.
 */
export const SERVING_MEMORY: Readonly<Record<string, string>> = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.arena_max=2:glibc.malloc.mmap_threshold=262144',
};

/** Of the young generation of V8, in MiB, as Node 22 has it; Node 24 lets it grow to 64, in every thread. */
const SEMI_SPACE = '--max-semi-space-size';
const SEMI_SPACE_MIB = 16;
/** The flag that `serve` starts itself again with. */
export const YOUNG_GENERATION = `${SEMI_SPACE}=${SEMI_SPACE_MIB}`;

/**
 * Replaces this process by one with the settings, with the same id, arguments and files, unless the operator has set
 * GLIBC_TUNABLES. Call it before anything is opened. Nodes before 22.15 and systems without execve go on as they are.
 */
export function restartForServing(env: NodeJS.ProcessEnv): void {
  const { execPath, execArgv, argv } = process;
  if (process.platform !== 'linux' || env.GLIBC_TUNABLES !== undefined || process.send !== undefined) return;
  if (typeof process.execve !== 'function') return;
  // The command line wins over NODE_OPTIONS.
  const flags = env.NODE_OPTIONS?.includes(SEMI_SPACE) ? [] : [YOUNG_GENERATION];
  process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...env, ...SERVING_MEMORY });
}
