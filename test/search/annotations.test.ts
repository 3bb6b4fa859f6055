import { describe, expect, it } from 'vitest';
import { aggregatedTerms, annotationIdf } from '../../src/search/annotation-terms.ts';
import { categoryConformity } from '../../src/search/category-conformity.ts';
import { smallColumns } from './small-catalog.ts';

describe('aggregatedTerms', () => {
  const columns = smallColumns([
    ...Array.from({ length: 3 }, () => ({ annotations: { sofa: 1 } })),
    ...Array.from({ length: 12 }, () => ({ annotations: { lamp: 1 } })),
  ]);
  const idf = annotationIdf(columns);

  it('weighs a term by its rarity and its share of the results', () => {
    expect(aggregatedTerms([0, 1], columns, idf)).toEqual([{ term: 'sofa', weight: expect.closeTo(Math.log(16 / 4), 5) }]);
    const [first, second] = aggregatedTerms([0, 3], columns, idf);
    expect(first).toEqual({ term: 'sofa', weight: expect.closeTo(Math.log(4) / 2, 5) });
    expect(second).toEqual({ term: 'lamp', weight: expect.closeTo(Math.log(16 / 13) / 2, 5) });
  });

  it('looks at the first 50 results only, and has nothing to say of none', () => {
    const many = [...Array.from({ length: 50 }, () => 3), 0];
    expect(aggregatedTerms(many, columns, idf).map((row) => row.term)).toEqual(['lamp']);
    expect(aggregatedTerms([], columns, idf)).toEqual([]);
  });
});

describe('categoryConformity', () => {
  const columns = smallColumns([
    ...Array.from({ length: 6 }, () => ({ categories: { 'home decor': 0.9, art: 0.1 } })),
    ...Array.from({ length: 2 }, () => ({ categories: { art: 1 } })),
    {},
  ]);

  it('is the largest share of the labelled results in one category', () => {
    expect(categoryConformity([0, 1, 2, 3, 4, 5, 6, 7, 8], columns)).toEqual({ category: 'home decor', share: 0.75 });
  });

  it('says nothing when too few results are labelled', () => {
    expect(categoryConformity([0, 1, 8], columns)).toEqual({ category: 'home decor', share: null });
    expect(categoryConformity([8], columns)).toEqual({ category: null, share: null });
  });
});
