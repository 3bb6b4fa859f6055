/** A model in a file of its own, outside a registry: what LETOR training writes and evaluation reads. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import { decodeModel, encodeModel, MODEL_FORMAT, type ModelArtifact } from './model-artifact.ts';
import { replaceFile } from '../../swapped-file.ts';

type Written = Pick<ModelArtifact, 'features' | 'lineage' | 'counts' | 'training' | 'distributions'> &
  Partial<Pick<ModelArtifact, 'ndcg10'>>;

/** Writes a model under the file's name, whole or not at all. */
export function writeModelFile(path: string, model: Written): ModelArtifact {
  const whole: ModelArtifact = {
    format: MODEL_FORMAT,
    name: basename(path).replace(/\.[^.]*$/, ''),
    kind: 'linear',
    createdAt: new Date().toISOString(),
    ndcg10: {},
    onnxDigest: null,
    ...model,
  };
  replaceFile(path, encodeModel(whole));
  return whole;
}

/** Throws RANKER_MODEL_REFUSED when it cannot be read or is damaged. */
export function readModelFile(path: string): ModelArtifact & { readonly digest: string } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: path, reason: reasonOf(error) }, error);
  }
  return decodeModel(bytes, path);
}
