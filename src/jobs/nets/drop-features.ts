/** Drops the features of a net that no longer serves, and says what that frees. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { join } from 'node:path';
import { netVectorPlace, VECTORS_KIND } from '../../candidates/vectors/vector-set.ts';
import { visualKindOf } from '../../candidates/visual/visual-neighbors.ts';
import { ServiceError } from '../../errors.ts';
import { type FeatureStore, openFeatureStore } from '../../features/feature-store.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--dry-run', meaning: 'only say what it would free' },
  { flag: '--shrink', meaning: 'also give the freed room of the database file back to the disk; writers wait meanwhile' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'drop-features',
  summary: 'drops the features of a net that no longer serves, and says what that frees',
  args: [{ form: '[net]', meaning: 'name or digest of the net; without it the nets with features are listed' }],
  examples: ['related-pins drop-features --data var', 'related-pins drop-features related-pins-visual-1 --shrink --json'],
  options: FLAGS,
  run: dropFeatures,
});

type StoredNet = ReturnType<FeatureStore['nets']>[number];

async function dropFeatures(input: Input) {
  const { args, options, dataFolder, config } = input;
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    const active = readNet(activeNet(dataFolder, 'visual')).digest;
    const nets = store.nets().map((net) => ({
      ...net,
      active: net.digest === active,
      artifactBytes: foldersOf(dataFolder, net).reduce((sum, folder) => sum + folderBytes(folder), 0),
    }));
    if (args[0] === undefined) return { nets: nets.filter(({ rows }) => rows > 0) };
    const chosen = nets.filter(({ name, digest, netKey }) => [name, netKey].includes(args[0]) || digest.startsWith(args[0]));
    const known = nets.map(({ name, netKey }) => `${name} (${netKey})`).join(', ');
    if (chosen.length === 0) throw new ServiceError('NET_UNKNOWN', { net: args[0], known });
    if (chosen.some((net) => net.active))
      throw new ServiceError('NET_REFUSED', { net: args[0], reason: 'its features are being served; switch-net to another one first' });
    const dryRun = options.dryRun === true;
    const freed = { rows: 0, databaseBytes: 0, artifactBytes: 0 };
    for (const net of chosen) {
      const { rows, bytes } = dryRun ? { rows: net.rows, bytes: 0 } : await dropRows(store, net, input);
      freed.rows += rows;
      freed.databaseBytes += bytes;
      freed.artifactBytes += net.artifactBytes;
      if (!dryRun) for (const folder of foldersOf(dataFolder, net)) rmSync(folder, { recursive: true, force: true });
    }
    if (options.shrink === true && !dryRun) store.database.exec('VACUUM');
    return { dropped: chosen.map(({ name, netKey }) => ({ name, netKey })), dryRun, freed, reusableBytes: store.freeBytes() };
  } finally {
    store.close();
  }
}

const PIECE = 2000;

/** In small transactions, so that a service that writes does not wait. */
async function dropRows(
  store: FeatureStore,
  { netId, rows }: StoredNet,
  { progress, signal }: Input,
): Promise<{ rows: number; bytes: number }> {
  const sum = { rows: 0, bytes: 0 };
  progress.start('rows', rows);
  for (;;) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const piece = store.dropRows(netId, PIECE);
    sum.rows += piece.rows;
    sum.bytes += piece.bytes;
    progress.update(sum.rows);
    if (piece.rows < PIECE) break;
    await breathe();
  }
  progress.stop();
  store.forgetNet(netId);
  return sum;
}

/** Packed features, neighbour lists and vectors of a net. */
function foldersOf(dataFolder: string, { netKey, digest }: StoredNet): string[] {
  return [`features-${netKey}`, visualKindOf(digest), `${VECTORS_KIND}${netVectorPlace(digest)}`].map((kind) =>
    join(dataFolder, 'artifacts', kind),
  );
}

function folderBytes(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } catch {
    return 0;
  }
}
