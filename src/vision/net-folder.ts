/**
 * Which net is active in a data folder. A pointer file (`nets/visual.json`, swapped by rename) names a folder of `nets/` and keeps
 * the switches so far; without one it is `nets/ROLE`, and without that the net that ships with the project.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
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

/** The folder of the active net of a role. */
export function activeNet(dataFolder: string, role: 'visual' | 'detector'): string {
  const last = role === 'visual' ? netSwitches(dataFolder).at(-1) : undefined;
  return namedNet(dataFolder, last?.net ?? role);
}

/** The folder of a net by its name: in `nets/` of the data folder, else among those that ship (BUNDLED: the visual net of this version). */
export function namedNet(dataFolder: string, name: string): string {
  const own = join(dataFolder, 'nets', name);
  const shipped = fileURLToPath(new URL(`data/nets/${name === BUNDLED ? 'visual' : name}`, projectRoot()));
  const holdsNet = (folder: string): boolean => existsSync(join(folder, 'manifest.json'));
  return name === BUNDLED || (!holdsNet(own) && holdsNet(shipped)) ? shipped : own;
}

/** A net as jobs are told it: a folder, or a name that namedNet knows. */
export function netGiven(dataFolder: string, given: string): string {
  const folder = resolve(given);
  return existsSync(join(folder, 'manifest.json')) ? folder : namedNet(dataFolder, given);
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
