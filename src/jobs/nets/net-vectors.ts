/** The short vectors that a net gives of its pictures, as a set like those that are imported: candidates, a ranking feature, uploads. */
import { join } from 'node:path';
import { makeVectorSet } from '../../candidates/vectors/make-set.ts';
import { sortedTable } from '../../candidates/vectors/vector-build.ts';
import { NET_VECTORS, netVectorPlace, vectorFolder, type VectorMetadata } from '../../candidates/vectors/vector-set.ts';
import { DEFAULT_HNSW } from '../../candidates/visual/hnsw-index.ts';
import { vectorSourceOf } from '../../candidates/candidate.ts';
import type { FeatureNet } from '../../features/convnet.ts';
import { type FeatureStore, netKeyOf } from '../../features/feature-store.ts';
import type { JobInput } from '../job.ts';

/** Makes the set again when pictures were read since it was made. Null: the net gives no vectors, or none of a picture here. */
export async function makeNetVectors(
  { dataFolder, progress, signal }: Pick<JobInput<object>, 'dataFolder' | 'progress' | 'signal'>,
  store: FeatureStore,
  net: FeatureNet,
) {
  if (!net.embeds) return null;
  const artifacts = join(dataFolder, 'artifacts');
  const netId = store.netIdOf(net);
  const place = netVectorPlace(net.digest);
  const source = vectorSourceOf(NET_VECTORS);
  const made = { digest: net.digest, netKey: netKeyOf(net), sequence: store.imageSequence(netId) };
  const file = vectorFolder(artifacts, place).open();
  const former = file?.about<VectorMetadata>() ?? null;
  file?.close();
  if (former?.net?.netKey === made.netKey && former.net.sequence === made.sequence)
    return { source, vectors: former.vectors, dimensions: former.dimensions, unchanged: true };
  const table = sortedTable('cosine', store.embeddings(netId));
  if (table.pinIndexes.length === 0) return null;
  const about = { name: NET_VECTORS, source: net.name, net: made };
  return { source, ...(await makeVectorSet(artifacts, place, table, about, DEFAULT_HNSW, { progress, signal })), unchanged: false };
}
