import type { Accept } from '../candidates/visual/neighbor-index.ts';
import { PIN_BUYABLE, type PinColumns } from '../catalog/pins/pin-columns.ts';
import type { ListOptions } from './ranked-list.ts';

/**
 * Which candidates a request allows: not excluded, not shown on an earlier page nor a near-duplicate of what was,
 * of the category, buyable and of such fields where that is asked for. undefined: all. A category that no pin has allows none.
 */
export function acceptedPins(pins: PinColumns, options: ListOptions, shown: readonly number[]): Accept | undefined {
  const tests: Accept[] = [];
  const { exclude, category } = options;
  if (exclude.size > 0) tests.push((pinIndex) => !exclude.has(pinIndex));
  if (shown.length > 0) {
    const groups = new Set(shown.map((pinIndex) => pins.group[pinIndex]));
    tests.push((pinIndex) => !groups.has(pins.group[pinIndex]));
  }
  if (options.filter) tests.push(options.filter);
  if (options.buyableOnly) tests.push((pinIndex) => (pins.flags[pinIndex] & PIN_BUYABLE) !== 0);
  if (category !== null) tests.push(inCategory(pins, pins.categoryNames.indexOf(category)));
  if (tests.length <= 1) return tests[0];
  return (pinIndex) => tests.every((test) => test(pinIndex));
}

/** Whether a pin has any weight in a category, by its ordinal. */
function inCategory(pins: PinColumns, category: number): Accept {
  return (pinIndex) => {
    const { start, length, ordinals } = pins.categories;
    for (let at = start[pinIndex], end = at + length[pinIndex]; at < end; at++) if (ordinals[at] === category) return true;
    return false;
  };
}
