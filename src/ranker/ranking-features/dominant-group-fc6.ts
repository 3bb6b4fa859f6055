import { groupOfLabel, LABEL_WORD_GROUPS } from '../../detection/label-words.ts';
import type { RankingFeature } from '../scoring/ranking-feature.ts';

const GROUPS: readonly string[] = [...Object.keys(LABEL_WORD_GROUPS), 'other'];

/**
 * The group of the query's dominant object (the paper's fashion, home and vehicles, or other) x fc6 similarity. Choice: groups, so that a
 * detector more brings labels and no columns, and each column sees enough queries to learn from. Crossed, because a group alone is the same
 * for every candidate of a list and could not change the order.
 */
export const dominantGroupFc6: RankingFeature = {
  name: 'dominant-group-fc6',
  set: 'object',
  columns: GROUPS.map((group) => `dominant ${group} x fc6`),
  fill({ query, fc6 }, out, firstColumn) {
    if (!query.dominantObject) return;
    const group = GROUPS.indexOf(groupOfLabel(query.dominantObject.label) ?? 'other');
    const values = out.column(firstColumn + group);
    for (let i = 0; i < fc6.length; i++) if (fc6[i] === fc6[i]) values[i] = fc6[i];
  },
};
