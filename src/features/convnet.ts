/** A classifier net in use: images -> fc6 and fc8 activations, computed in the pool's threads. */
import { ServiceError } from '../errors.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import type { Embedding, ImageFailure, ImageInput } from '../vision/inference-task.ts';
import { type BinarizationRule, EMBEDDING_ROLE, type Net, preprocessingVersion, readNet, SHORT_CODE_ROLE } from '../vision/net-manifest.ts';
import { type Naming, namingOf } from './words.ts';

/** What two nets must agree in for their features to be comparable, and the lengths of both layers. */
export interface FeatureNet {
  readonly digest: string;
  readonly name: string;
  readonly preprocessing: string;
  readonly rule: BinarizationRule;
  readonly fc6Length: number;
  /** Length of a row of class scores: fc8, or the short code of nets that have one. */
  readonly fc8Length: number;
  /** Whether rows of class scores are the signs of a short code, 1 and -1: their cosine is 1 - 2 Hamming / length. */
  readonly shortCode?: boolean;
  /** Whether the net also gives a short float vector of a picture. */
  readonly embeds?: boolean;
}

export interface ConvNet {
  readonly net: Net;
  readonly features: FeatureNet;
  /** Null: the net does not speak. */
  readonly naming: Naming | null;
  embed(images: readonly ImageInput[]): Promise<(Embedding | ImageFailure)[]>;
}

/** What a net's features are kept under. Throws NET_REFUSED unless it is a classifier whose fc6 and fc8 have a length. */
export function featureNetOf({ digest, manifest }: Net): FeatureNet {
  const { name, kind, outputs, binarization, input } = manifest;
  const [fc6Length, fc8Length] = [outputs.fc6?.length, outputs.fc8?.length];
  if (kind !== 'classifier' || !fc6Length || !fc8Length) {
    const reason = 'visual features need a classifier whose fc6 and fc8 have a length';
    throw new ServiceError('NET_REFUSED', { net: name, reason });
  }
  const rule = binarization ?? 'activation > 0';
  const short = outputs[SHORT_CODE_ROLE]?.length;
  const classes = short ? { fc8Length: short, shortCode: true } : { fc8Length };
  const embeds = EMBEDDING_ROLE in outputs ? { embeds: true } : {};
  return { digest, name, preprocessing: preprocessingVersion(input), rule, fc6Length, ...classes, ...embeds };
}

/** What is kept of an image's classes for ranking: its scores, or the signs of the short code. */
export function classRowOf({ fc8, fc8Code }: Pick<Embedding, 'fc8' | 'fc8Code'>): Float32Array {
  return fc8Code ? fc8Code.map((value) => (value > 0 ? 1 : -1)) : fc8;
}

/** Opens a classifier's folder and loads it in every worker. Throws NET_REFUSED. */
export async function openConvNet(folder: string, pool: InferencePool): Promise<ConvNet> {
  const net = readNet(folder);
  const features = featureNetOf(net);
  await pool.warmUp(net);
  return { net, features, naming: namingOf(net.manifest), embed: (images) => pool.embed(net, images) };
}
