/**
 * A word against uniting two pictures that coarse measures hold equal: key points. Both must have many, or they say nothing: a plain
 * picture has none. Only few that agree speak against, because a blurred or captioned copy keeps no more than some.
 */
import { hasLocalFeatures, type LocalFeatureStore, openLocalFeatureStore } from './local-feature-store.ts';
import type { LocalFeatures } from './local-features.ts';
import { verified } from './spatial-verification.ts';

/** Key points that each of two pictures must have to be asked. */
const MANY = 100;
/** Copies have more inliers; other pictures of the same kind reach six now and then. */
const FEW = 5;

/** Whether two pictures may be one, by their key points; null where these cannot say. */
export function mayBeSame(first: LocalFeatures | null, second: LocalFeatures | null): boolean | null {
  if (first === null || second === null || Math.min(first.count, second.count) < MANY) return null;
  return verified(first, second).inliers >= FEW;
}

class SamePicture {
  /** Pairs whose key points were compared, and those that they kept apart. */
  asked = 0;
  apart = 0;
  private readonly store: LocalFeatureStore;

  constructor(store: LocalFeatureStore) {
    this.store = store;
  }

  /** False: key points say that they are two pictures. True also where they cannot say. */
  readonly mayBe = (pinIndex: number, other: number): boolean => {
    const mayBe = mayBeSame(this.store.get(pinIndex), this.store.get(other));
    this.asked += Number(mayBe !== null);
    this.apart += Number(mayBe === false);
    return mayBe ?? true;
  };

  close(): void {
    this.store.close();
  }
}

/** Null where `extract-local-features` never ran. */
export function openSamePicture(dataFolder: string): SamePicture | null {
  return hasLocalFeatures(dataFolder) ? new SamePicture(openLocalFeatureStore(dataFolder, { readonly: true })) : null;
}
