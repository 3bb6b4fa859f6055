/** Lists that `replay-saves` serves: people never saw them, and their places bias nothing. They lie in a log of their own. */
import { join } from 'node:path';

const PREFIX = 'replay-';

/** Where their log is. */
export function replayFolder(dataFolder: string): string {
  return join(dataFolder, 'replay');
}

/** The id of a replayed list. `group`: number of the owner whose board was left out. */
export function replayedId(group: number, rest: string): string {
  return `${PREFIX}${group}-${rest}`;
}

/** Lists of one group share their truth; null for lists that people saw. */
export function replayGroupOf(recommendationId: string): string | null {
  return /^replay-(\d+)-/.exec(recommendationId)?.[1] ?? null;
}

export function isReplayed({ recommendationId }: { readonly recommendationId: string }): boolean {
  return recommendationId.startsWith(PREFIX);
}
