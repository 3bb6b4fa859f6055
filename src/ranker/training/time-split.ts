/** Earlier lists train, later ones judge: lists stand in time order, and no list is in both parts. */

export interface ListSpan {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface TimeSplit {
  readonly train: ListSpan;
  readonly holdout: ListSpan;
}

/**
 * The last `holdoutShare` of `lists` lists is the holdout; at least one list on either side when there are two or more.
 * A share of 0 holds out none. Throws RangeError for a share below 0, or of 1 or more.
 */
export function timeSplit(lists: number, holdoutShare: number): TimeSplit {
  if (!(holdoutShare >= 0 && holdoutShare < 1)) throw new RangeError(`holdoutShare: expected 0 .. 1, got ${holdoutShare}`);
  const wanted = Math.round(lists * holdoutShare);
  const held = holdoutShare > 0 && lists > 1 ? Math.min(lists - 1, Math.max(1, wanted)) : 0;
  return { train: { from: 0, to: lists - held }, holdout: { from: lists - held, to: lists } };
}

/**
 * Expanding folds: fold i trains on everything before its block and judges the block; the first block only ever trains. An edge
 * moves on while `joins` says that the list there shares its truth with the one before.
 */
export function timeFolds(lists: number, folds: number, joins: (list: number) => boolean = () => false): readonly TimeSplit[] {
  const edge = (block: number): number => {
    let at = Math.floor((block * lists) / (folds + 1));
    while (at > 0 && at < lists && joins(at)) at++;
    return at;
  };
  return Array.from({ length: folds }, (_, fold) => ({
    train: { from: 0, to: edge(fold + 1) },
    holdout: { from: edge(fold + 1), to: edge(fold + 2) },
  })).filter(({ train, holdout }) => train.to > train.from && holdout.to > holdout.from);
}
