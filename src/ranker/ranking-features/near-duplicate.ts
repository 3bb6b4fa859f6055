import type { RankingFeature } from '../ranking-feature.ts';

/** 1 when query and candidate are one image (served lists leave these out; a caller's own list may hold them). */
export const nearDuplicate: RankingFeature = {
  name: 'near-duplicate',
  columns: ['near duplicate'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex < 0) return;
    const group = pins.group[query.pinIndex];
    for (let row = 0; row < candidates.count; row++) {
      if (pins.group[candidates.pinIndexes[row]] === group) out.data[row * out.columns + column] = 1;
    }
  },
};
