/** The dots of a pin: what detectors found in its picture, which of it the search believes in, and what people keep cropping. */
import { LRUCache } from 'lru-cache';
import type { PinObject, PinObjects } from '../detection/pin-objects.ts';
import type { SeenWord } from '../features/words.ts';
import { boxIou, fractionsToPixels } from '../vision/box.ts';
import { cropDots } from './crop-dots.ts';
import { handDrawn } from './dot-engagement.ts';
import { visualSearch } from './flashlight.ts';
import { type DotSignals, dotSignals, type DotThresholds, type JudgedObject, judgeDots } from './object-dots.ts';
import type { SearchParts } from './search-parts.ts';

/** Pins whose dots were judged on demand and are cached. */
const JUDGED_PINS = 10_000;
/** A dot of people and a detection that overlap this much are the same thing. */
const SAME_OBJECT = 0.5;

/** Objects of a picture with their signals; null where no detector has seen it, or no net has features. */
interface SeenObjects {
  readonly found: PinObjects | null;
  readonly signals: readonly DotSignals[] | null;
}

/** An object as callers see it; `people`: how many drew a box around it themselves. */
export interface OfferedObject extends Omit<JudgedObject, 'signals'> {
  readonly signals: DotSignals | null;
  readonly people?: number;
}

export class PinDots {
  private readonly parts: SearchParts;
  private readonly judged = new LRUCache<string, Promise<readonly DotSignals[]>>({ max: JUDGED_PINS });

  constructor(parts: SearchParts) {
    this.parts = parts;
  }

  /** Stored objects, or those detected now; signals stored by `index-objects`, or asked now. */
  async seen(pinIndex: number): Promise<SeenObjects> {
    const { parts } = this;
    const found = await this.objectsOf(pinIndex);
    return { found, signals: found && parts.hasFeatures ? await this.signalsOf(pinIndex, found.objects) : null };
  }

  /**
   * Objects by what their searches say. Regions that many people drew confirm the detection they lie on, or are dots of
   * their own.
   */
  offered(
    pinIndex: number,
    { width, height, objects: found }: PinObjects,
    signals: readonly DotSignals[],
    asked: (object: PinObject) => DotThresholds,
  ): readonly OfferedObject[] {
    const objects: OfferedObject[] = [...judgeDots(found, signals, asked)];
    for (const { box, people } of cropDots(handDrawn(this.parts.crops.regionsOf(pinIndex)))) {
      const pixels = fractionsToPixels(box, width, height);
      const at = objects.findIndex((object) => boxIou(object.box, pixels) >= SAME_OBJECT);
      if (at < 0)
        objects.push({ label: '', score: people / (people + 1), box: pixels, shown: true, dominant: false, people, signals: null });
      else {
        const { suppressedBy: _, ...object } = objects[at];
        objects[at] = { ...object, shown: true, people };
      }
    }
    return objects;
  }

  /** What the net says it sees in an object; none before `index-objects` ran. */
  wordsOf(pinIndex: number, object: Pick<PinObject, 'label' | 'box'>): readonly SeenWord[] {
    return this.described(pinIndex, object)?.words ?? [];
  }

  /** Whether the objects of a pin can be known from its picture only. */
  needsPicture(pinIndex: number): boolean {
    const { parts } = this;
    const stored = parts.objectsOf(pinIndex);
    if (!stored) return parts.reader.hasDetector;
    return parts.hasFeatures && this.storedSignals(pinIndex, stored.objects) === null;
  }

  private storedSignals(pinIndex: number, objects: readonly PinObject[]): readonly DotSignals[] | null {
    const found = objects.map((object) => this.described(pinIndex, object)?.signals);
    return found.every((signals) => signals !== undefined) ? found : null;
  }

  private described(pinIndex: number, { label, box }: Pick<PinObject, 'label' | 'box'>) {
    const stored = this.parts.describedObjectsOf(pinIndex)?.objects ?? [];
    return stored.find((row) => row.label === label && row.box.join() === box.join());
  }

  private async objectsOf(pinIndex: number): Promise<PinObjects | null> {
    const { parts } = this;
    const stored = parts.objectsOf(pinIndex);
    if (stored || !parts.hasPicture(pinIndex) || !parts.reader.hasDetector) return stored;
    return parts.objectsIn(await parts.reader.detect(await parts.pictureOf(pinIndex)));
  }

  private async signalsOf(pinIndex: number, objects: readonly PinObject[]): Promise<readonly DotSignals[]> {
    const stored = this.storedSignals(pinIndex, objects);
    if (stored) return stored;
    const key = `${this.parts.net.digest}|${pinIndex}|${objects.map(({ box }) => box.join()).join('|')}`;
    const known = this.judged.get(key) ?? this.judge(pinIndex, objects);
    this.judged.set(key, known);
    known.catch(() => this.judged.delete(key));
    return known;
  }

  private async judge(pinIndex: number, objects: readonly PinObject[]): Promise<readonly DotSignals[]> {
    const { parts } = this;
    const picture = await parts.pictureOf(pinIndex);
    const sources = { ...parts.sources, objects: parts.objectIndex };
    const signals: DotSignals[] = [];
    for (const { box, label } of objects) {
      const code = await parts.reader.code(picture, box, parts.net);
      signals.push(dotSignals({ label, code, pinIndex }, await visualSearch({ code, pinIndex }, {}, sources), sources));
    }
    return signals;
  }
}
