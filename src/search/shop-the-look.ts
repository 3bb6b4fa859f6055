/**
 * Shop the Look (paper, figure 10): for each object of a scene the buyable pins that look like it, and for each kind of
 * object that usually stands beside those, buyable pins that complete the look.
 */
import type { Accept } from '../candidates/visual/neighbor-index.ts';
import { PIN_BUYABLE } from '../catalog/pins/pin-columns.ts';
import type { Box } from '../vision/box.ts';
import { visualSearch, type VisualSearchSources } from './flashlight.ts';
import { companions, type LabelCompany } from './label-company.ts';
import type { ObjectIndex } from './object-index.ts';

/** An object of the scene, described. */
interface LookObject {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
  readonly code: Uint32Array;
}

/** A picture whose look is shopped for; `pinIndex` -1: an upload. Objects surest first. */
interface LookScene {
  /** Binary code of the whole scene, which completions should suit. */
  readonly code: Uint32Array;
  readonly pinIndex: number;
  readonly objects: readonly LookObject[];
}

interface LookItem {
  readonly pinIndex: number;
  readonly distance: number;
  readonly score: number;
}

/** Things to buy for one object, or of one kind that is missing (`box` null). */
export interface LookPart {
  readonly label: string;
  readonly box: Box | null;
  /** How sure the detector was, or how much more often than chance the kind stands there. */
  readonly confidence: number;
  readonly items: readonly LookItem[];
}

/** Where things are found, and which pins are not to be offered. */
interface LookShelves {
  readonly sources: VisualSearchSources;
  readonly index: ObjectIndex;
  readonly company: LabelCompany;
  readonly exclude: ReadonlySet<number>;
  /** What the fields of a pin must be. */
  readonly fields?: Accept;
}

/** Objects of a scene that are shopped for, surest first. */
const OBJECTS_MAX = 6;
const COMPANIONS_MAX = 3;

/**
 * The parts of a look, the scene's own objects first; no pin is offered twice. An object is looked for among objects of its
 * own kind, because a crop alone confuses kinds of one colour; where none is for sale, among all pictures.
 */
export async function shopTheLook(scene: LookScene, shelves: LookShelves, perPart: number): Promise<readonly LookPart[]> {
  const { sources, index, company, fields } = shelves;
  const taken = new Set(shelves.exclude);
  const parts: LookPart[] = [];
  const give = (label: string, box: Box | null, confidence: number, found: readonly LookItem[]): void => {
    const items = found.slice(0, perPart);
    for (const { pinIndex } of items) taken.add(pinIndex);
    if (items.length > 0) parts.push({ label, box, confidence, items });
  };
  const { pinIndex } = scene;
  const { flags } = sources.columns;
  const accept = (pin: number): boolean => (flags[pin] & PIN_BUYABLE) !== 0 && !taken.has(pin) && (!fields || fields(pin));
  for (const { label, score, box, code } of scene.objects.slice(0, OBJECTS_MAX)) {
    const same = label === '' ? [] : index.scenes({ code, pinIndex, label, accept }, perPart, sources.columns);
    const alike = { buyable: true, exclude: taken, ...(fields ? { fields } : {}) };
    give(label, box, score, same.length > 0 ? same : await visualSearch({ code, pinIndex }, alike, sources));
  }
  const labels = scene.objects.map((object) => object.label);
  for (const { label, lift } of companions(labels, company, COMPANIONS_MAX)) {
    const query = { code: scene.code, pinIndex, label, accept };
    give(label, null, lift, index.scenes(query, perPart, sources.columns));
  }
  return parts;
}
