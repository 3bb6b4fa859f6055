import { describe, expect, it } from 'vitest';
import { BY_HAND, chanceOf, fitted, type LabeledCatalog, labeledList, shareOf } from '../../lab/studies/starter/starter-search.ts';
import type { Matrix } from '../../src/math/matrix.ts';
import { seededRandom } from '../../src/math/random.ts';
import { starterModel, type StarterRecipe } from '../../src/ranker/registry/starter-model.ts';
import { FEATURE_TABLE } from '../../src/ranker/scoring/feature-table.ts';

const NAMES = Object.keys(BY_HAND);

/** Lists of 60 candidates, 12 of them right: `telling` is higher for these by one deviation, `misleading` lower. */
function catalogOf(source: string, telling: string, misleading: string, lists: number, seed: number): LabeledCatalog {
  const random = seededRandom(seed);
  const list = () => {
    const right = Uint8Array.from({ length: 60 }, (_, row) => (row % 5 === 0 ? 1 : 0));
    const rows: Matrix = { rows: 60, columns: NAMES.length, names: NAMES, data: new Float32Array(60 * NAMES.length) };
    for (let row = 0; row < 60; row++) {
      rows.data[row * NAMES.length + NAMES.indexOf(telling)] = random.normal() + right[row];
      rows.data[row * NAMES.length + NAMES.indexOf(misleading)] = random.normal() - right[row];
    }
    return labeledList(rows, right);
  };
  return { source, kind: 'planted', lists: Array.from({ length: lists }, list).flatMap((each) => (each ? [each] : [])) };
}

describe('the search for the weights of the starter', () => {
  const boards = catalogOf('boards', 'cooccurrence-score', 'fc6-similarity', 40, 1);

  it('moves weight to what tells, leaves what never differs, and gives the same bits again', () => {
    const weights = fitted([boards]);
    expect(weights['cooccurrence-score'] / weights['fc6-similarity']).toBeGreaterThan(5);
    expect(weights['title-similarity']).toBe(BY_HAND['title-similarity']);
    expect(shareOf(boards, weights)).toBeGreaterThan(shareOf(boards, BY_HAND) + 0.1);
    expect(fitted([boards])).toEqual(weights);
  });

  it('counts every source alike, however many lists it has', () => {
    const looks = (lists: number): LabeledCatalog => catalogOf('looks', 'fc6-similarity', 'cooccurrence-score', lists, 2);
    const ratio = (catalogs: readonly LabeledCatalog[]): number => {
      const weights = fitted(catalogs);
      return weights['cooccurrence-score'] / weights['fc6-similarity'];
    };
    expect(ratio([looks(40)])).toBeLessThan(0.2);
    // Three catalogs of one source are no stronger than the one beside them.
    const many = [1, 2, 3].map((n) => ({ ...looks(40), kind: `structure ${n}` }));
    expect(ratio([boards, ...many])).toBe(ratio([boards, looks(40)]));
  });

  it('measures the share of the most there could be, and what chance gives', () => {
    expect(chanceOf(boards)).toBeCloseTo(0.2, 10);
    expect(shareOf(boards, {})).toBeCloseTo(3 / 12, 10);
    const none = new Uint8Array(3);
    expect(labeledList({ rows: 3, columns: NAMES.length, names: NAMES, data: new Float32Array(3 * NAMES.length) }, none)).toBeNull();
  });
});

describe('the starter that ships', () => {
  it('carries its recipe: what it was fitted on, what else judged it, and that it is what the judging sources speak for', () => {
    const { recipe } = starterModel().lineage.settings as { recipe: StarterRecipe };
    expect(recipe.judgedOn.length).toBeGreaterThan(1);
    expect(recipe.fittedOn.filter((name) => recipe.judgedOn.includes(name))).toEqual([]);
    const weights = Object.fromEntries(starterModel().features.map(({ name, weight }) => [name, weight]));
    expect(weights).toEqual(recipe.kept === 'found' ? recipe.found : BY_HAND);
    for (const { source, kind, byHand, chance } of recipe.figures) expect([source, kind, byHand > chance]).toEqual([source, kind, true]);
  });

  it('keeps the signs that the feature table states', () => {
    const signs = new Map(FEATURE_TABLE.flatMap(({ columns, signs: of }) => columns.map((name, c) => [name, of?.[c] ?? 0] as const)));
    for (const { name, weight, normalization } of starterModel().features) {
      expect([name, weight > 0, normalization.kind]).toEqual([name, true, 'none']);
      expect([name, signs.get(name)]).toEqual([name, 1]);
    }
  });
});
