import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelArtifact } from '../ranker/model-artifact.ts';
import { readModelFile } from '../ranker/model-file.ts';
import { ModelRegistry } from '../ranker/model-registry.ts';

/** A model as jobs are given it: the name of one in the registry, or else the path of a model file. */
export function modelGiven(dataFolder: string, given: string): ModelArtifact {
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  return !registry.has(given) && existsSync(given) ? readModelFile(given) : registry.read(given);
}
