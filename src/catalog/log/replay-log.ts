import { join } from 'node:path';

/** Where `replay-saves` keeps lists that nobody has seen: a log of their own, apart from what people did. */
export function replayFolder(dataFolder: string): string {
  return join(dataFolder, 'replay');
}

/** The group of boards of one owner that a replayed list belongs to; null for lists that people saw. */
export function replayGroupOf(recommendationId: string): string | null {
  return /^replay-(\d+)-/.exec(recommendationId)?.[1] ?? null;
}
