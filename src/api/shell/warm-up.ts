import { setImmediate } from 'node:timers/promises';
import type { Context } from '../../service/context.ts';
import { reasonOf } from '../../errors.ts';
import { newId } from '../../math/random.ts';
import { relatedPins } from '../../related-pins.ts';
import { plainOptions } from '../../lists/serve-list.ts';
import type { Provider } from '../../vision/onnx-session.ts';

const LISTS = 60;
const LONGEST_MS = 1500;

/**
 * Makes some lists that nobody sees before the first request comes: pages of the artifacts are read, models loaded, code
 * compiled. Spread over the catalogue, not logged. A list that can not be made ends the warming up, not the start.
 */
export async function warmUp(context: Context): Promise<{ readonly lists: number; readonly problem: string | null }> {
  const until = performance.now() + LONGEST_MS;
  const { count } = context.pins;
  let lists = 0;
  try {
    for (; lists < LISTS && count > 0 && performance.now() < until; lists++) {
      const pinIndex = Math.floor((lists * count) / LISTS);
      await relatedPins(context.parts, pinIndex, plainOptions({ recommendationId: newId(), now: Date.now() }));
      await setImmediate();
    }
  } catch (error) {
    return { lists, problem: reasonOf(error) };
  }
  return { lists, problem: null };
}

/**
 * Loads the active net in the inference threads, which answer for uploads and new pictures, and says where it runs. Without features
 * there is nothing to compare with, and no net to load; one that is refused is reported, and lists are served without it.
 */
export async function warmNet(context: Context): Promise<{ readonly provider: Provider | null; readonly netProblem: string | null }> {
  if (context.visual === null) return { provider: null, netProblem: null };
  try {
    const { inference, looks } = context;
    await inference.warmUp(looks.netFolder);
    return { provider: inference.provider, netProblem: null };
  } catch (error) {
    return { provider: null, netProblem: reasonOf(error) };
  }
}
