import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SITE_CATEGORIES } from '../../src/config.ts';
import { describe, expect, it } from 'vitest';
import { SOURCE_NAMES } from '../../src/candidates/candidate.ts';
import { GrowingSparseRows, type SparseRows } from '../../src/catalog/pins/sparse-rows.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { hamming } from '../../src/math/bits.ts';
import { buildFeatureRows, columnsOf, FEATURE_COLUMNS, VISUAL_WEIGHT_COLUMNS } from '../../src/ranker/scoring/feature-table.ts';
import { plainDistance, similaritiesTo } from '../../src/features/code-similarity.ts';
import { linearRanker } from '../../src/ranker/scoring/linear-model.ts';
import { asRetrieved, shuffled } from '../../src/ranker/measures/baselines.ts';
import { cosine } from '../../src/math/vector.ts';
import { seededRandom } from '../../src/math/random.ts';
import { FEATURE_SETS, type RankingRequest } from '../../src/ranker/scoring/ranking-feature.ts';
import { summarizeHistory } from '../../src/ranker/scoring/user-history.ts';
import { temporaryFolder } from '../world.ts';
import { madeUpRequest } from './inputs.ts';

const request = madeUpRequest(40, 128);
const rows = buildFeatureRows(request);

/** The made-up request with weights, ages, groups and histories that differ, so that a factor left out shows. */
function variedRequest(): RankingRequest {
  const { pins, query, visual, ...rest } = madeUpRequest(40, 128);
  const random = seededRandom(9);
  const rowsOf = (below: number, entries: number): GrowingSparseRows => {
    const made = new GrowingSparseRows();
    for (let pin = 0; pin < pins.count; pin++) {
      const ordinals = random.shuffled(Array.from({ length: below }, (_, at) => at)).slice(0, entries);
      made.set(
        pin,
        ordinals.map((ordinal): [number, number] => [ordinal, Math.fround(0.1 + random.next())]),
      );
    }
    return made;
  };
  const objectCode = Uint32Array.from({ length: 4 }, () => random.integer(2 ** 32));
  const userCode = Uint32Array.from({ length: 4 }, () => random.integer(2 ** 32));
  return {
    ...rest,
    visual,
    pins: {
      ...pins,
      categories: rowsOf(32, 3),
      annotations: rowsOf(12, 4),
      titleTerms: rowsOf(9, 3),
      createdAt: Float64Array.from({ length: pins.count }, (_, pin) => (pin % 5 === 0 ? Number.NaN : pin * DAY_MS)),
      domain: Int32Array.from({ length: pins.count }, (_, pin) => (pin % 4) - 1).fill(2, 0, 1),
      group: Int32Array.from({ length: pins.count }, (_, pin) => (pin % 9 === 1 ? 0 : pin)),
    },
    query: { ...query, dominantObject: { ...query.dominantObject!, code: objectCode } },
    user: {
      categories: Float32Array.from({ length: 32 }, () => random.next()),
      cooccurrence: new Map(Array.from({ length: 20 }, (_, pin): [number, number] => [2 * pin, Math.fround(random.next())])),
      code: userCode,
    },
    engagement: {
      clicksOverExpected: (_, pinIndexes, n, out) => {
        for (let i = 0; i < n; i++) out[i] = (pinIndexes[i] % 5) / 2;
        return true;
      },
    },
    vectors: vectorSets,
    now: 60 * DAY_MS,
  };
}

/** Imported vectors: one set of every second pin, one of every third; 0 and 6 are in both. */
const vectorSets = [2, 3].map((step, s) => {
  const vectorOf = (pin: number): readonly number[] | null => (pin % step === 0 ? [1, pin % 7, s - 0.5] : null);
  return {
    vectorOf,
    rowOf: (pin: number): number => (vectorOf(pin) ? pin / step : -1),
    cosinesInto(pin: number, pinIndexes: Int32Array, count: number, out: Float32Array): void {
      for (let i = 0; i < count; i++) {
        const [own, other] = [vectorOf(pin), vectorOf(pinIndexes[i])];
        out[i] = own && other ? cosine(own, other) : Number.NaN;
      }
    },
  };
});

const DAY_MS = 24 * 3600 * 1000;

/** Every column of one row, written down once more from the definitions, one value at a time. */
function plainValues({ query, candidates, pins, visual, user, engagement, now }: RankingRequest, row: number): ReadonlyMap<string, number> {
  if (!visual || !user?.code || !user.cooccurrence || !engagement || !query.code || !query.dominantObject) throw new Error('incomplete');
  const pin = candidates.pinIndexes[row];
  const { image, imageScores } = visual;
  const has = image.has[pin] === 1;
  const own = image.codes.slice(pin * image.words, (pin + 1) * image.words);
  const alike = (code: Uint32Array): number => (has ? 1 - hamming(code, own) / 128 : 0);
  const fc6 = alike(query.code);
  const cosines = new Float32Array(1);
  imageScores?.cosines(query.classScores!, Int32Array.of(pin), 1, cosines);
  const fc8 = Number.isNaN(cosines[0]) ? 0 : cosines[0];
  const entriesOf = ({ start, length, ordinals, weights }: SparseRows, of: number): ReadonlyMap<number, number> =>
    new Map(Array.from({ length: length[of] }, (_, at): [number, number] => [ordinals[start[of] + at], weights[start[of] + at]]));
  const dot = (x: ReadonlyMap<number, number>, y: ReadonlyMap<number, number>): number =>
    [...x].reduce((sum, [ordinal, weight]) => sum + weight * (y.get(ordinal) ?? 0), 0);
  const norm = (x: ReadonlyMap<number, number>): number => Math.sqrt(dot(x, x));
  const between = (of: SparseRows): number => dot(entriesOf(of, query.pinIndex), entriesOf(of, pin));
  const [asked, offered] = [entriesOf(pins.categories, query.pinIndex), entriesOf(pins.categories, pin)];
  const liked = new Map([...user.categories].map((weight, ordinal): [number, number] => [ordinal, weight]));
  const ratios = new Float32Array(1);
  engagement.clicksOverExpected(query.pinIndex, Int32Array.of(pin), 1, ratios);
  const age = now - pins.createdAt[pin];
  const both = vectorSets.filter(({ vectorOf }) => vectorOf(query.pinIndex) && vectorOf(pin));
  const likenesses = both.map(({ vectorOf }) => cosine(vectorOf(query.pinIndex)!, vectorOf(pin)!));
  const values = new Map<string, number>([
    ['cooccurrence-score', candidates.sourceScores[row * 2] || 0],
    ['annotation-cosine', between(pins.annotations)],
    ['title-similarity', between(pins.titleTerms)],
    ['category-cosine', dot(asked, offered) / (norm(asked) * norm(offered))],
    ['same-domain', pins.domain[pin] === pins.domain[query.pinIndex] ? 1 : 0],
    ['log-saves', Math.log(1 + pins.saves[pin])],
    ['freshness', Number.isNaN(age) ? 0 : 1 / (1 + age / (30 * DAY_MS))],
    ['clicks-over-expected', ratios[0] > 0 ? Math.log(ratios[0]) : 0],
    ['user-category-affinity', dot(liked, offered) / norm(offered)],
    ['user-cooccurrence', user.cooccurrence.get(pin) ?? 0],
    ['user-visual-likeness', alike(user.code)],
    ['fc6-similarity', fc6],
    ['fc8-similarity', fc8],
    ['has-fc6', has ? 1 : 0],
    ['has-fc8', Number.isNaN(cosines[0]) ? 0 : 1],
    ['near-duplicate', pins.group[pin] === pins.group[query.pinIndex] ? 1 : 0],
    ['query-has-dominant-object', 1],
    ['same-object-class', visual.objectLabelOf(pin) === query.dominantObject.label ? 1 : 0],
    ['dominant x fc6', fc6],
    ['dominant x fc8', fc8],
    ['object-crop-fc6', alike(query.dominantObject.code)],
    ['vector-cosine', likenesses.reduce((sum, likeness) => sum + likeness, 0) / Math.max(1, both.length)],
    ['has-vector', both.length > 0 ? 1 : 0],
  ]);
  for (const name of SOURCE_NAMES) {
    const source = candidates.sourceNames.indexOf(name);
    values.set(`from-${name}`, source >= 0 && !Number.isNaN(candidates.sourceScores[row * 2 + source]) ? 1 : 0);
  }
  for (const group of ['fashion', 'home', 'vehicles', 'other']) values.set(`dominant ${group} x fc6`, group === 'fashion' ? fc6 : 0);
  SITE_CATEGORIES.forEach((name, ordinal) => values.set(`fc6 x ${name}`, (asked.get(ordinal) ?? 0) * fc6));
  return values;
}

describe('feature table', () => {
  it('has every column once, each in one set, 32 crosses', () => {
    expect(new Set(FEATURE_COLUMNS).size).toBe(FEATURE_COLUMNS.length);
    expect(columnsOf(FEATURE_SETS)).toEqual(FEATURE_COLUMNS);
    expect(columnsOf(['cross'])).toHaveLength(32);
    expect(VISUAL_WEIGHT_COLUMNS.size).toBe(34);
    expect(VISUAL_WEIGHT_COLUMNS.has('has-fc6')).toBe(false);
  });

  it('equals the formulas, every column of every candidate', () => {
    const varied = variedRequest();
    const table = buildFeatureRows(varied);
    const filled = new Set<string>();
    for (let row = 0; row < table.rows; row++) {
      const wanted = plainValues(varied, row);
      expect([...wanted.keys()].sort()).toEqual([...FEATURE_COLUMNS].sort());
      FEATURE_COLUMNS.forEach((name, column) => {
        const value = table.data[row * table.columns + column];
        expect(value, `${name} of row ${row}`).toBeCloseTo(wanted.get(name) ?? Number.NaN, 5);
        if (value !== 0) filled.add(name);
      });
    }
    // Categories of the query, the group of its object, the sources of the request: the others are 0 by their formula.
    const idle = FEATURE_COLUMNS.filter((name) => !filled.has(name));
    expect(idle.filter((name) => !/^(fc6 x|dominant .* x fc6|from-)/.test(name))).toEqual([]);
    expect(FEATURE_COLUMNS.filter((name) => name.startsWith('fc6 x ') && filled.has(name))).toHaveLength(3);
  });

  it('a cosine of a pin with itself is 1', () => {
    const itself = {
      ...request,
      candidates: { ...request.candidates, pinIndexes: request.candidates.pinIndexes.map(() => 0) },
    };
    const same = buildFeatureRows(itself);
    const at = FEATURE_COLUMNS.indexOf('category-cosine');
    expect(same.data[at]).toBeCloseTo(1, 6);
    expect(same.data[FEATURE_COLUMNS.indexOf('near-duplicate')]).toBe(1);
  });

  it('is finite everywhere, also when everything is missing', () => {
    expect(rows.data.every(Number.isFinite)).toBe(true);
    const query = { pinIndex: -1, code: null, classScores: null, dominantObject: null };
    const bare = buildFeatureRows({ ...request, query, visual: null, user: null, engagement: null });
    expect(bare.data.every(Number.isFinite)).toBe(true);
    expect(bare.data[FEATURE_COLUMNS.indexOf('fc6-similarity')]).toBe(0);
  });

  it('a history of one pin looks like that pin', () => {
    const user = summarizeHistory({ pinIndexes: [5], weights: [2] }, request.pins, request.visual);
    expect(user.code).toEqual(request.visual?.image.codes.slice(5 * 4, 6 * 4));
    expect(user.categories.reduce((sum, weight) => sum + weight * weight, 0)).toBeCloseTo(1, 6);
  });
});

describe('rankers', () => {
  const features = FEATURE_COLUMNS.map((name, at) => ({
    name,
    weight: Math.sin(at + 1),
    normalization:
      at % 4 === 0
        ? ({ kind: 'standard', mean: 0.1, deviation: 0.3 } as const)
        : at % 4 === 1
          ? ({ kind: 'min-max', min: 0.1, max: 0.7 } as const)
          : at % 4 === 2
            ? ({ kind: 'log1p' } as const)
            : ({ kind: 'query-min-max' } as const),
  }));
  const inputs = { rows, candidates: request.candidates, visualWeightFactor: 5 };

  it.each([linearRanker('m', features), asRetrieved, shuffled(3)])('$name: the terms add up to the score, to the bit', async (ranker) => {
    const scores = await ranker.score(inputs);
    for (let row = 0; row < rows.rows; row++) {
      let sum = 0;
      for (const { contribution } of await ranker.explain(inputs, row)) sum += contribution;
      expect(sum).toBe(scores[row]);
    }
  });

  it('as-retrieved keeps the order of retrieval', async () => {
    const scores = [...(await asRetrieved.score(inputs))].filter((score) => score > 0);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
  });

  it('the visual weight factor multiplies fc6, fc8 and crosses, not the indicators', () => {
    const ranker = linearRanker('m', features);
    const plain = ranker.explain({ ...inputs, visualWeightFactor: 1 }, 0);
    ranker.explain(inputs, 0).forEach(({ feature, weight }, at) => {
      const factor = feature === 'fc6-similarity' || feature === 'fc8-similarity' || feature.startsWith('fc6 x ') ? 5 : 1;
      expect(weight).toBe(plain[at].weight * factor);
    });
  });

  it('scores do not depend on the order of candidates', () => {
    const ranker = linearRanker('m', features);
    const scores = ranker.score(inputs);
    const reversed = new Float32Array(rows.data.length);
    for (let row = 0; row < rows.rows; row++)
      reversed.set(rows.data.subarray(row * rows.columns, (row + 1) * rows.columns), (rows.rows - 1 - row) * rows.columns);
    expect([...ranker.score({ ...inputs, rows: { ...rows, data: reversed } })].reverse()).toEqual([...scores]);
  });

  it('a NaN stops loudly, naming the column', () => {
    const broken = { ...rows, data: rows.data.slice() };
    broken.data[FEATURE_COLUMNS.indexOf('freshness')] = Number.NaN;
    expect(() => linearRanker('m', features).score({ ...inputs, rows: broken })).toThrow('the score of row 0 is NaN (freshness)');
  });

  it('refuses rows that lack a column of the model', () => {
    const other = linearRanker('m', [{ name: 'moon', weight: 1, normalization: { kind: 'none' } }]);
    expect(() => other.score(inputs)).toThrow('no column "moon"');
  });
});

describe('code similarity', () => {
  it.each([32, 128, 1000, 1024, 4096, 8192])('with %i bits the fast twin equals the plain one', (bits) => {
    const { visual, candidates, query } = madeUpRequest(50, bits);
    if (!visual || !query.code) throw new Error('made up without a code');
    const { image } = visual;
    const codes = [query.code, image.codes.slice(0, image.words), query.code.map((word) => ~word)];
    const outs = codes.map(() => new Float32Array(50));
    similaritiesTo(codes, image, candidates.pinIndexes, outs);
    codes.forEach((code, c) =>
      outs[c].forEach((similarity, i) => {
        const pin = candidates.pinIndexes[i];
        const distance = plainDistance(code, image.codes, pin * image.words);
        expect(similarity).toBe(image.has[pin] ? Math.fround(1 - distance / bits) : Number.NaN);
      }),
    );
  });

  it('pins behind the end of the table have no code: a few pictured pins, thousands without', () => {
    const table = allocateCodeTable(256, 40);
    table.codes.fill(7);
    table.has.fill(1);
    const found = new Float32Array(6);
    similaritiesTo([table.codes.subarray(0, table.words)], table, Int32Array.of(3, 39, 40, 3000, 2 ** 30, 5), [found]);
    expect([...found]).toEqual([1, 1, Number.NaN, Number.NaN, Number.NaN, 1]);
  });
});

it('the crosses are named after the categories of the site, which a setting names', () => {
  const file = join(temporaryFolder(), 'categories.json');
  writeFileSync(file, JSON.stringify(['chairs', 'lamps']));
  const asked = `import { columnsOf } from '${new URL('../../dist/src/ranker/scoring/feature-table.js', import.meta.url).href}'; console.log(JSON.stringify(columnsOf(['cross'])))`;
  const env = { ...process.env, RELATED_PINS_CATEGORIES: file };
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', asked], { env, encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual(['fc6 x chairs', 'fc6 x lamps']);
});
