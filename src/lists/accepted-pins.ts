import type { Accept } from '../candidates/visual/neighbor-index.ts';
import { PIN_BUYABLE, type PinColumns } from '../catalog/pins/pin-columns.ts';
import type { ListOptions } from './ranked-list.ts';
import type { ServingParts } from './serving-parts.ts';

/**
 * Which candidates a request allows: not excluded, not shown on an earlier page nor hidden by the user, nor a near-duplicate of
 * what was, of the category, buyable and of such fields where that is asked for. undefined: all. A category that no pin has
 * allows none.
 */
export function acceptedPins(parts: HidingParts, options: ListOptions, shown: readonly number[]): Accept | undefined {
  const { pins } = parts;
  const tests: Accept[] = [];
  const { exclude, category } = options;
  if (exclude.size > 0) tests.push((pinIndex) => !exclude.has(pinIndex));
  const groups = new Set([...shown.map((pinIndex) => pins.group[pinIndex]), ...hiddenGroups(parts, options.userId, options.now)]);
  if (groups.size > 0) tests.push((pinIndex) => !groups.has(pins.group[pinIndex]));
  if (options.filter) tests.push(options.filter);
  if (options.buyableOnly) tests.push((pinIndex) => (pins.flags[pinIndex] & PIN_BUYABLE) !== 0);
  if (category !== null) tests.push(inCategory(pins, pins.categoryNames.indexOf(category)));
  if (tests.length <= 1) return tests[0];
  return (pinIndex) => tests.every((test) => test(pinIndex));
}

/** Where the hidden pins of a user are read. */
type HidingParts = Pick<ServingParts, 'pins' | 'hiddenBy'>;

/** Near-duplicate groups of what a user has hidden, as of now also on later pages: what was hidden a moment ago is gone from them. */
export function hiddenGroups({ pins, hiddenBy }: HidingParts, userId: string | null, now: number): ReadonlySet<number> {
  const hidden = userId === null ? [] : [...hiddenBy(userId, now)];
  return new Set(hidden.filter((pinIndex) => pinIndex < pins.count).map((pinIndex) => pins.group[pinIndex]));
}

/** Whether a pin has any weight in a category, by its ordinal. */
function inCategory(pins: PinColumns, category: number): Accept {
  return (pinIndex) => {
    const { start, length, ordinals } = pins.categories;
    for (let at = start[pinIndex], end = at + length[pinIndex]; at < end; at++) if (ordinals[at] === category) return true;
    return false;
  };
}
