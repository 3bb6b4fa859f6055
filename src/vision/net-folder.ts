/**
 * Which nets are active in a data folder. Of the visual nets, a pointer file (`nets/visual.json`, swapped by rename) names a folder of `nets/` and keeps
 * the switches so far; without one it is `nets/visual`, and without that the net that ships. Detectors all work together.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf, ServiceError } from '../errors.ts';
import { projectRoot } from '../worker-url.ts';
import { replaceFile, stampOf } from '../swapped-file.ts';

/** The name by which the net that ships with the project is switched to. */
export const BUNDLED = 'bundled';
/** Visual nets that shipped with earlier versions, by their names in `data/nets`. */
export const FORMER_NETS = ['visual-1'] as const;

/** One switch: from when on which net served, with which ranking model. */
export interface NetSwitch {
  readonly net: string;
  /** Digest of the net. */
  readonly digest: string;
  /** The model that was promoted with it; null: the one before stayed. */
  readonly model: string | null;
  readonly at: string;
  readonly why: string;
}

/** The folder of the active visual net. */
export function activeNet(dataFolder: string, _role: 'visual'): string {
  return namedNet(dataFolder, netSwitches(dataFolder).at(-1)?.net ?? 'visual');
}

/** The folder of a net by its name: in `nets/` of the data folder, else among those that ship (BUNDLED: the visual net of this version). */
export function namedNet(dataFolder: string, name: string): string {
  const own = join(dataFolder, 'nets', name);
  const shipped = bundledNet(name === BUNDLED ? 'visual' : name);
  const holdsNet = (folder: string): boolean => existsSync(join(folder, 'manifest.json'));
  return name === BUNDLED || (!holdsNet(own) && holdsNet(shipped)) ? shipped : own;
}

/** A net as flags name it: a folder, or a name that namedNet knows. */
export function netGiven(dataFolder: string, given: string): string {
  const folder = resolve(given);
  return existsSync(join(folder, 'manifest.json')) ? folder : namedNet(dataFolder, given);
}

/** The folder of a net that ships with the project, by its path in `data/nets`. */
export function bundledNet(path: string): string {
  return fileURLToPath(new URL(`data/nets/${path}`, projectRoot()));
}

/**
 * The folders of the detectors that work together: those that ship, then those in `nets/detectors` of the data folder. One of the data
 * folder takes the place of a shipped one of its name, and a folder of that name without a net switches it off. `nets/detector`, where a data
 * folder of earlier versions has its only detector, counts as one of them.
 */
export function detectorFolders(dataFolder: string): readonly string[] {
  const byName = new Map<string, string>();
  for (const parent of [bundledNet('detectors'), ownDetectors(dataFolder)]) {
    for (const name of foldersIn(parent)) byName.set(name, join(parent, name));
  }
  const former = join(dataFolder, 'nets', 'detector');
  if (existsSync(former)) byName.set('detector', byName.get('detector') ?? former);
  return [...byName.values()].filter((folder) => existsSync(join(folder, 'manifest.json')));
}

/** Takes a shipped detector out of the set of a data folder: an empty folder of its name. */
export function switchOffDetector(dataFolder: string, name: string): void {
  mkdirSync(join(ownDetectors(dataFolder), name), { recursive: true });
}

function ownDetectors(dataFolder: string): string {
  return join(dataFolder, 'nets', 'detectors');
}

function foldersIn(parent: string): string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent).filter((name) => statSync(join(parent, name)).isDirectory());
}

/** Changes whenever a detector is added, replaced or taken away: cheap enough to ask several times a second. */
export function detectorStamp(dataFolder: string): string {
  const parents = [ownDetectors(dataFolder), join(dataFolder, 'nets')];
  const manifests = detectorFolders(dataFolder).map((folder) => join(folder, 'manifest.json'));
  return [...parents, ...manifests].map((path) => `${path} ${stampOf(path)}`).join('\n');
}

/** Switches of the visual net so far, oldest first; empty before the first. Throws NET_REFUSED for a broken pointer. */
export function netSwitches(dataFolder: string): readonly NetSwitch[] {
  const file = pointerOf(dataFolder);
  if (!existsSync(file)) return [];
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { readonly switches: readonly NetSwitch[] }).switches;
  } catch (error) {
    throw new ServiceError('NET_REFUSED', { net: 'visual', reason: `${file} is broken: ${reasonOf(error)}` }, error);
  }
}

/** When the active net began to serve; undefined before the first switch. */
export function servingSince(dataFolder: string): number | undefined {
  const last = netSwitches(dataFolder).at(-1);
  return last && Date.parse(last.at);
}

/** Makes the last of `switches` the active net, at one instant and for good. */
export function writeNetSwitches(dataFolder: string, switches: readonly NetSwitch[]): void {
  writePointer(pointerOf(dataFolder), { switches });
}

function writePointer(file: string, content: unknown): void {
  replaceFile(file, `${JSON.stringify(content, null, 1)}\n`);
}

/** Changes whenever the pointer does: cheap enough to ask several times a second. */
export function netStamp(dataFolder: string): string {
  return stampOf(pointerOf(dataFolder));
}

/** A net beside the serving one: for a share of the lists it is computed what they would be, and nobody is shown it. */
export interface DarkNet {
  readonly net: string;
  /** Of the lists, 0..1. */
  readonly share: number;
  /** The ranking model that goes with it. */
  readonly model: string;
  readonly since: string;
}

/** The net in the dark; null without one. Throws NET_REFUSED for a broken pointer. */
export function darkNetOf(dataFolder: string): DarkNet | null {
  const file = darkPointerOf(dataFolder);
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DarkNet;
  } catch (error) {
    throw new ServiceError('NET_REFUSED', { net: 'dark', reason: `${file} is broken: ${reasonOf(error)}` }, error);
  }
}

/** Points at another net, or (null) at none. */
export function writeDarkNet(dataFolder: string, dark: DarkNet | null): void {
  if (dark === null) rmSync(darkPointerOf(dataFolder), { force: true });
  else writePointer(darkPointerOf(dataFolder), dark);
}

/** Changes whenever the pointer to the net in the dark does. */
export function darkStamp(dataFolder: string): string {
  return stampOf(darkPointerOf(dataFolder));
}

function darkPointerOf(dataFolder: string): string {
  return join(dataFolder, 'nets', 'dark.json');
}

function pointerOf(dataFolder: string): string {
  return join(dataFolder, 'nets', 'visual.json');
}
