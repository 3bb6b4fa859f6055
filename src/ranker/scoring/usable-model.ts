import { existsSync } from 'node:fs';
import { ServiceError } from '../../errors.ts';
import { FEATURE_COLUMNS } from './feature-table.ts';
import type { ModelArtifact } from '../registry/model-artifact.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { onnxDigestOf } from './onnx-ranker.ts';

/**
 * A stored model that this program can serve: its file is whole, its features are in the table, its graph is the one that
 * was imported. Throws RANKER_MODEL_UNKNOWN or RANKER_MODEL_REFUSED.
 */
export function readUsableModel(registry: ModelRegistry, name: string): ModelArtifact {
  const model = registry.read(name);
  const refuse = (reason: string): never => {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason });
  };
  const unknown = model.features.find((feature) => !FEATURE_COLUMNS.includes(feature.name));
  if (unknown) refuse(`unknown ranking feature "${unknown.name}"`);
  if (model.kind === 'onnx' && graphDigest(registry, name) !== model.onnxDigest)
    refuse('its .onnx file does not have the digest it was imported with');
  return model;
}

/** Null when there is no graph. */
function graphDigest(registry: ModelRegistry, name: string): string | null {
  const path = registry.onnxPathOf(name);
  return existsSync(path) ? onnxDigestOf(path) : null;
}
