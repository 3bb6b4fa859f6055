/** Lists that `replay-saves` serves: people never saw them, and their places bias nothing. */
const PREFIX = 'replay-';

/** The id of a list of a replay. */
export function replayedId(rest: string): string {
  return `${PREFIX}${rest}`;
}

export function isReplayed({ recommendationId }: { readonly recommendationId: string }): boolean {
  return recommendationId.startsWith(PREFIX);
}
