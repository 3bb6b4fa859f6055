import type { Interval } from '../../src/math/bootstrap.ts';
import type { ModelFeature } from '../../src/ranker/scoring/linear-model.ts';
import type { ModelArtifact } from '../../src/ranker/registry/model-artifact.ts';

/** A model record for tests: these features, and a holdout where each contender reached the given NDCG@10. */
export function modelOf(
  name: string,
  features: readonly ModelFeature[] = [{ name: 'log-saves', weight: 1, normalization: { kind: 'none' } }],
  ndcg10: Readonly<Record<string, number>> = {},
): ModelArtifact {
  const measured: Record<string, Interval> = {};
  for (const [label, mean] of Object.entries(ndcg10)) measured[label] = { mean, low: mean, high: mean, queries: 10 };
  return {
    format: 1,
    name,
    kind: 'linear',
    createdAt: '2026-01-02T03:04:05.000Z',
    features,
    lineage: {
      source: 'log',
      window: { from: 1, to: 2 },
      codeVersion: '0',
      seed: 1,
      c: 1,
      settings: {},
      netDigest: null,
      previous: null,
    },
    counts: { lists: 1, rows: 2, pairs: 1 },
    training: { objective: 0.5 },
    ndcg10: measured,
    onnxDigest: null,
    distributions: {},
  };
}
