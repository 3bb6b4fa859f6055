/**
 * How fast do saves come in, and does memory stay flat? Ours: `ingestFile` into SQLite, durable and deduplicated. Peer: node alone
 * reading the same file line by line and parsing each line, which is the least that any importer written here must do.
 */
import { createReadStream, mkdtempSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { ingestFile } from '../../src/catalog/pins/ingest.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { flagsOf } from '../flags.ts';

const PINS = 100_000;
const BOARDS = 40_000;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { saves } = flagsOf(argv, { saves: 1_000_000 });
  const folder = mkdtempSync(join(tmpdir(), 'bench-import-'));
  try {
    const file = writeSaves(join(folder, 'saves.jsonl'), saves);
    const peer = Math.round(saves / (await secondsOf(() => readAlone(file))));
    const { seconds, processorSeconds, written, curve } = await importSaves(folder, file);
    const ours = Math.round(saves / seconds);
    return {
      ours,
      peer,
      ratio: ours / peer,
      unit: 'saves per second',
      raw: { saves, written, seconds, processorSeconds, perCoreSecond: Math.round(saves / processorSeconds), residentMiB: curve },
      machine: `${cpus().length} x ${cpus()[0].model}, node ${process.version}`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function importSaves(
  folder: string,
  file: string,
): Promise<{ seconds: number; processorSeconds: number; written: number; curve: number[] }> {
  const catalog = openCatalog(join(folder, 'data'));
  const folders = { images: folder, data: join(folder, 'data') };
  const batch = (kind: 'pins' | 'boards', count: number): void => {
    const records = Array.from({ length: count }, (_, i) => ({
      id: `${kind}-${i}`,
      ...(kind === 'boards' ? { ownerId: `user-${i >> 2}` } : {}),
    }));
    upsertBatch(catalog, kind, records, { now: Date.now(), folders });
  };
  batch('pins', PINS);
  batch('boards', BOARDS);
  const curve: number[] = [];
  let updates = 0;
  const progress = {
    ...SILENT,
    update: () => {
      if (updates++ % 2 === 0) curve.push(Math.round(process.memoryUsage.rss() / (1 << 20)));
    },
  };
  let written = 0;
  const before = process.cpuUsage();
  const seconds = await secondsOf(async () => {
    written = (await ingestFile(catalog, 'saves', file, { folders, progress })).written;
  });
  const { user, system } = process.cpuUsage(before);
  catalog.close();
  return { seconds, processorSeconds: (user + system) / 1e6, written, curve };
}

async function readAlone(file: string): Promise<void> {
  let fields = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) fields += Object.keys(JSON.parse(line) as object).length;
  if (fields === 0) throw new Error('nothing was read');
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** Saves in the order they happened: boards and pins at random, popular pins more often. */
function writeSaves(path: string, count: number): string {
  const random = seededRandom(17);
  const file = openSync(path, 'w');
  for (let done = 0; done < count; done += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, count - done) }, (_, i) => {
      const pin = Math.floor(random.next() ** 2 * PINS);
      return JSON.stringify({
        pinId: `pins-${pin}`,
        boardId: `boards-${random.integer(BOARDS)}`,
        at: 1_600_000_000_000 + (done + i) * 1000,
      });
    });
    writeSync(file, `${rows.join('\n')}\n`);
  }
  closeSync(file);
  return path;
}
