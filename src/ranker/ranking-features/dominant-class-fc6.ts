import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** The classes of the embedded detector; other labels share the last column. */
const OBJECT_CLASSES = [
  'bag',
  'belt',
  'dress',
  'eyewear',
  'hat',
  'jewellery',
  'outerwear',
  'pants',
  'scarf',
  'shoe',
  'shorts',
  'skirt',
  'top',
  'watch',
  'other',
];

/**
 * The class of the query's dominant object x fc6 similarity. Choice: crossed, because a class alone is the same for every
 * candidate of a list and could not change the order.
 */
export const dominantClassFc6: RankingFeature = {
  name: 'dominant-class-fc6',
  set: 'object',
  columns: OBJECT_CLASSES.map((label) => `dominant ${label} x fc6`),
  fill({ query, fc6 }, out, firstColumn) {
    if (!query.dominantObject) return;
    const known = OBJECT_CLASSES.indexOf(query.dominantObject.label);
    const values = out.column(firstColumn + (known < 0 ? OBJECT_CLASSES.length - 1 : known));
    for (let i = 0; i < fc6.length; i++) if (fc6[i] === fc6[i]) values[i] = fc6[i];
  },
};
