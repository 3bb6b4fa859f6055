/** What the processes under this one use: sampled from /proc four times a second. */
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
const TICKS_PER_SECOND = 100;

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  /** As the system calls it: java, python3, node. */
  readonly name: string;
  readonly seconds: number;
  readonly bytes: number;
}

export interface TreeUsage {
  /** Of all processes together; one that ends between two samples lacks its last quarter of a second. */
  readonly processorSeconds: number;
  /** The same by name of program. */
  readonly processorSecondsOf: Readonly<Record<string, number>>;
  /** The largest sum of resident sizes; memory that processes share counts once for each. */
  readonly peakMegabytes: number;
}

/** Runs `work` and says what the descendants of this process used meanwhile. Those that were there before count from now on. */
export async function withUsage<T>(work: () => Promise<T>): Promise<T & TreeUsage> {
  const before = new Map(descendants(process.pid).map(({ pid, seconds }) => [pid, seconds]));
  const seconds = new Map<number, number>();
  const names = new Map<number, string>();
  let peak = 0;
  const sample = (): void => {
    const rows = descendants(process.pid);
    for (const row of rows) {
      seconds.set(row.pid, row.seconds - (before.get(row.pid) ?? 0));
      names.set(row.pid, row.name);
    }
    peak = Math.max(
      peak,
      rows.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  };
  const timer = setInterval(sample, 250);
  try {
    const result = await work();
    sample();
    const processorSecondsOf: Record<string, number> = {};
    for (const [pid, used] of seconds) processorSecondsOf[names.get(pid) ?? ''] = (processorSecondsOf[names.get(pid) ?? ''] ?? 0) + used;
    const processorSeconds = Object.values(processorSecondsOf).reduce((sum, value) => sum + value, 0);
    return { ...result, processorSeconds, processorSecondsOf, peakMegabytes: peak / 2 ** 20 };
  } finally {
    clearInterval(timer);
  }
}

/** All processes that `root` started, and those that they started. */
export function descendants(root: number): readonly ProcessRow[] {
  const rows = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? rowOf(Number(name)) : []));
  const found: ProcessRow[] = [];
  const parents = new Set([root]);
  for (let more = true; more;) {
    const next = rows.filter(({ pid, parent }) => parents.has(parent) && !parents.has(pid));
    more = next.length > 0;
    for (const row of next) {
      parents.add(row.pid);
      found.push(row);
    }
  }
  return found;
}

function rowOf(pid: number): ProcessRow[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold blanks: state is field 3, parent 4, user and system ticks 14 and 15, resident pages 24.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return [{ pid, name, parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND, bytes: Number(fields[21]) * PAGE_BYTES }];
  } catch {
    return [];
  }
}
