import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../worker-url.ts';

/** The folder of the active net of a role: the data folder's own, else the one that ships with the project. */
export function activeNet(dataFolder: string, role: 'visual' | 'detector'): string {
  const own = join(dataFolder, 'nets', role);
  return existsSync(join(own, 'manifest.json')) ? own : fileURLToPath(new URL(`data/nets/${role}`, projectRoot()));
}
