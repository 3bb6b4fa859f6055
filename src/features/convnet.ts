/** A classifier net in use: images -> fc6 and fc8 activations, computed in the pool's threads. */
import type { InferencePool } from '../vision/inference-pool.ts';
import type { Embedding, ImageFailure, ImageInput } from '../vision/inference-task.ts';
import { type Net, preprocessingVersion, readNet } from '../vision/net-manifest.ts';
import { ServiceError } from '../errors.ts';
import type { BinarizationRule } from '../vision/net-manifest.ts';

export interface ConvNet {
  readonly net: Net;
  readonly fc6Length: number;
  readonly fc8Length: number;
  /** Names what changes the features besides the file itself. */
  readonly preprocessing: string;
  readonly rule: BinarizationRule;
  embed(images: readonly ImageInput[]): Promise<(Embedding | ImageFailure)[]>;
}

/** Opens a classifier's folder and loads it in every worker. Throws NET_REFUSED. */
export async function openConvNet(folder: string, pool: InferencePool): Promise<ConvNet> {
  const net = readNet(folder);
  const { kind, outputs, binarization, input, name } = net.manifest;
  const [fc6Length, fc8Length] = [outputs.fc6?.length, outputs.fc8?.length];
  if (kind !== 'classifier' || !fc6Length || !fc8Length) {
    throw new ServiceError('NET_REFUSED', {
      net: name,
      reason: 'visual features need a classifier whose fc6 and fc8 have a length',
    });
  }
  await pool.warmUp(folder);
  return {
    net,
    fc6Length,
    fc8Length,
    preprocessing: preprocessingVersion(input),
    rule: binarization ?? 'activation > 0',
    embed: (images) => pool.embed(folder, images),
  };
}
