/**
 * Visitors who search inside pictures. What they want follows from what is drawn, never from net outputs: a true object
 * of the picture, and pins that show that kind of thing in a like look. A visitor
 *
 *   1. wants one object of the picture, larger ones more often (none where there is none);
 *   2. sees dots: takes the one on the wanted object, else with some curiosity any other one; or sees a box: pulls it over
 *      the wanted object, or takes it as it stands; or crops by hand; or leaves the tool alone;
 *   3. looks down the results (position k with probability k^-0.5) and saves what shows the kind wanted and looks alike;
 *   4. after a search that gave nothing, uses the tool less; after a save, more.
 *
 * Weights were fixed before the first run. Only step 4 lets bad dots hurt, as the paper's section 7 found they do.
 */
import { type Box, boxArea, boxIou } from '../../src/vision/box.ts';
import type { Random } from '../../src/math/random.ts';
import type { TrueObject } from './canvas.ts';
import { type Latents, lookLikeness } from './latents.ts';
import { examination } from './people.ts';
import { drawWeighted } from './recipe.ts';

export const FLASHLIGHT_VISITOR = {
  /** Chances of each way to use the tool, at full trust; ways that exclude each other add up. */
  dotOnWanted: 0.5,
  dotElsewhere: 0.25,
  boxPulled: 0.3,
  boxAsItIs: 0.15,
  croppedBesideDots: 0.1,
  /** Trust: multiplied after a search without a save, and after one with. */
  disappointed: 0.75,
  pleased: 1.15,
  /** Utility of a result that shows the kind wanted, and of a like look. */
  kind: 2.2,
  look: 2.4,
  appeal: 0.25,
  noise: 0.6,
  saved: 4.2,
} as const;

/** What the picture of a pin shows, and what people see in it. */
export interface SearchedPicture {
  readonly felt: Latents;
  readonly objects: readonly TrueObject[];
  readonly width: number;
  readonly height: number;
  readonly appeal: number;
}

/** What a picture offers to search by: dots, or (null) one default box. */
export interface Offer {
  readonly dots: readonly Box[] | null;
}

/** A region that was searched, and what was wanted of it; null: nothing, it was curiosity. */
export interface Search {
  readonly region: Box | 'default';
  readonly wanted: TrueObject | null;
}

/** A box and a true object that overlap this much are the same thing. */
const SAME_THING = 0.5;

/** What a visitor does with a picture; null: leaves the tool alone. */
export function searchOf(picture: SearchedPicture, { dots }: Offer, trust: number, random: Random): Search | null {
  const { objects } = picture;
  const chosen = drawWeighted(
    random,
    objects.map(({ box }) => boxArea(box)),
  );
  const wanted = objects.length === 0 ? null : objects[chosen];
  const chance = random.next() / trust;
  const other = random.next();
  if (dots === null) return boxSearch(wanted, chance);
  const on = wanted && dots.find((dot) => boxIou(dot, wanted.box) >= SAME_THING);
  if (on) return chance < FLASHLIGHT_VISITOR.dotOnWanted ? { region: on, wanted } : null;
  const byHand = wanted ? FLASHLIGHT_VISITOR.croppedBesideDots : 0;
  if (wanted && chance < byHand) return { region: wanted.box, wanted };
  if (dots.length > 0 && chance < byHand + FLASHLIGHT_VISITOR.dotElsewhere)
    return curiousSearch(picture, dots[Math.floor(other * dots.length)]);
  return null;
}

function boxSearch(wanted: TrueObject | null, chance: number): Search | null {
  const pulled = wanted ? FLASHLIGHT_VISITOR.boxPulled : 0;
  if (wanted && chance < pulled) return { region: wanted.box, wanted };
  return chance < pulled + FLASHLIGHT_VISITOR.boxAsItIs ? { region: 'default', wanted } : null;
}

/** A dot on something else is wanted for what it lies on, if it lies on anything. */
function curiousSearch({ objects }: SearchedPicture, dot: Box): Search {
  return { region: dot, wanted: objects.find(({ box }) => boxIou(box, dot) >= SAME_THING) ?? null };
}

/** Places of the results (from 0) that the visitor saves. */
export function savedPlaces(
  query: SearchedPicture,
  { wanted }: Search,
  results: readonly SearchedPicture[],
  random: Random,
): readonly number[] {
  const { kind, look, appeal, noise, saved } = FLASHLIGHT_VISITOR;
  return Array.from(results.keys()).filter((place) => {
    const [glance, chance] = [random.next(), random.next()];
    if (wanted === null || glance >= examination(place + 1)) return false;
    const { objects, felt, appeal: charm } = results[place];
    const shows = objects.some(({ label }) => label === wanted.label) ? kind : 0;
    return shows + look * lookLikeness(query.felt, felt) + appeal * charm + noise * Math.log(chance / (1 - chance)) > saved;
  });
}
