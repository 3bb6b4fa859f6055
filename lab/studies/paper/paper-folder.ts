/** The replay's own data folder inside the demo's: its own log and experiments, everything else borrowed by links. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const BORROWED = ['catalog.sqlite', 'features.sqlite', 'detections.sqlite', 'artifacts', 'models', 'nets', 'world', 'images'];

/** Makes it again and returns its path. `related-pins serve --data PATH` shows its experiments beside the pins. */
export function freshPaperFolder(dataFolder: string, name: string): string {
  const folder = join(dataFolder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of BORROWED) if (existsSync(join(dataFolder, part))) symlinkSync(join('..', part), join(folder, part));
  return folder;
}
