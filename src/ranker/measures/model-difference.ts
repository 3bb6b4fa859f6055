/** Two models side by side, feature by feature. */
import type { ModelArtifact } from '../registry/model-artifact.ts';

/** A feature's weights in two models; `change` is after - before, a missing one counting as 0. */
interface FeatureDifference {
  readonly feature: string;
  /** Null where that model does not have the feature. */
  readonly before: number | null;
  readonly after: number | null;
  readonly change: number;
  readonly normalizationChanged: boolean;
}

/** Every feature of either model, the greatest change of weight first; equal ones left out. */
export function diffModels(before: ModelArtifact, after: ModelArtifact): readonly FeatureDifference[] {
  const old = new Map(before.features.map((feature) => [feature.name, feature]));
  const fresh = new Map(after.features.map((feature) => [feature.name, feature]));
  const names = [...new Set([...old.keys(), ...fresh.keys()])];
  return names
    .map((feature) => {
      const a = old.get(feature);
      const b = fresh.get(feature);
      return {
        feature,
        before: a?.weight ?? null,
        after: b?.weight ?? null,
        change: (b?.weight ?? 0) - (a?.weight ?? 0),
        normalizationChanged: JSON.stringify(a?.normalization) !== JSON.stringify(b?.normalization),
      };
    })
    .filter(({ before: a, after: b, normalizationChanged }) => a !== b || normalizationChanged)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || (a.feature < b.feature ? -1 : 1));
}
