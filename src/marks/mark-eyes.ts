/** What jobs look for marks with: the active visual net and its codes, and threads that find local features. */
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { LocalFeatureThreads } from '../exact/local-feature-threads.ts';
import { RECIPE } from '../exact/local-features.ts';
import { openConvNet } from '../features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../features/feature-store.ts';
import { imageLimitsOf, openPool } from '../vision/inference-pool.ts';
import { activeNet } from '../vision/net-folder.ts';
import type { Eyes } from './picture-views.ts';

export interface MarkEyes extends Eyes {
  /** What their views are made by: net, recipe of local features. */
  readonly madeBy: string;
}

/** Gives eyes to `work`, and closes them after it. @throws NOTHING_TO_DO before extract-features, NET_REFUSED */
export async function withMarkEyes<Result>(
  { config, dataFolder, workers }: { readonly config: Config; readonly dataFolder: string; readonly workers: number },
  work: (eyes: MarkEyes) => Promise<Result>,
): Promise<Result> {
  const limits = imageLimitsOf(config);
  const features = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  const pool = openPool(config, { workers });
  const threads = new LocalFeatureThreads(workers, limits);
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const binarizer = features.binarizer(features.netIdOf(net.features));
    if (!binarizer)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'No image was read by the active net; extract-features comes first.' });
    return await work({ net, binarizer, threads, limits, madeBy: JSON.stringify([netKeyOf(net.features), RECIPE]) });
  } finally {
    await threads.close();
    await pool.close();
    features.close();
  }
}
