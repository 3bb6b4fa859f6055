/** A model in a file of its own, outside a registry: what LETOR training writes and evaluation reads. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import { decodeModel, encodeModel, MODEL_FORMAT, type ModelArtifact } from './model-artifact.ts';

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
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'w');
  writeSync(file, encodeModel(whole));
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
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
