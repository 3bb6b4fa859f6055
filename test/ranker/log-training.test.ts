import { describe, expect, it } from 'vitest';
import { type JudgedList, truthOf } from '../../src/catalog/log/judged-list.ts';
import { seededRandom } from '../../src/math/random.ts';
import { decide } from '../../src/ranker/judging/judgement.ts';
import { climbLadder } from '../../src/ranker/measures/ablation-ladder.ts';
import { clustersOf, intervalsOf, liftBySegment } from '../../src/ranker/measures/holdout-report.ts';
import { chooseC } from '../../src/ranker/training/choose-c.ts';
import { FEATURE_COLUMNS } from '../../src/ranker/scoring/feature-table.ts';
import { curveLines, drawnShares, learningCurve } from '../../src/ranker/training/learning-curve.ts';
import { collectLogData, sliceLog, splitLog, trainingRows } from '../../src/ranker/training/log-data.ts';
import { trainOnLog } from '../../src/ranker/training/log-training.ts';
import { examinationFromInterventions, examinationFromShuffled, propensityWeights } from '../../src/ranker/training/position-bias.ts';
import { FEATURE_SETS } from '../../src/ranker/scoring/ranking-feature.ts';
import { trainingReport } from '../../src/ranker/measures/training-report.ts';
import { LENGTH, madeUpLog, UTILITY } from './made-up-log.ts';
import { modelOf } from './models.ts';

/** The items of a list with rows a hundred times as large. */
function scaled({ items }: JudgedList): JudgedList['items'] {
  return { ...items, rows: { ...items.rows, data: items.rows.data.map((value) => 100 * value) } };
}

const settings = {
  sets: FEATURE_SETS,
  normalize: 'standard',
  c: 0.01,
  seed: 1,
  holdoutShare: 0.2,
  previous: null,
  categoriesOf: (query: number) => [query % 2 ? 'art' : 'quotes'],
} as const;

describe('training on the log', () => {
  it('learns what people want and says how it compares', async () => {
    const data = collectLogData(madeUpLog(800, 1, 0, 0.1));
    const done = await trainOnLog(data, settings);
    const { trained, control, asServed, asRetrieved, shuffled } = done.ndcg10;
    expect(trained.low).toBeGreaterThan(control.high);
    expect(control.mean).toBeGreaterThan(shuffled.mean);
    expect(asServed.mean).toBeGreaterThan(asRetrieved.mean);
    expect(done.liftByCategory.map(({ segment }) => segment).sort()).toEqual(['art', 'quotes']);
    expect(done.liftByObject.map(({ segment }) => segment)).toEqual(['no dominant object']);
    const weight = (name: string): number => done.model.features.find((feature) => feature.name === name)?.weight ?? 0;
    expect(weight('fc6-similarity') / weight('log-saves')).toBeGreaterThan(1.6);
    expect(weight('fc6-similarity') / weight('log-saves')).toBeLessThan(2.4);
  });

  it('takes lists of one query, and of one owner whose boards were left out, for one witness of its intervals', async () => {
    const data = collectLogData(madeUpLog(300, 5, 0, 0.1));
    const done = await trainOnLog(data, settings);
    const { holdout, perList, ndcg10 } = done;
    const clusters = clustersOf(holdout);
    expect(new Set(clusters).size).toBe(40);
    expect(ndcg10).toEqual(intervalsOf(perList, settings.seed, clusters));
    expect(ndcg10.trained).not.toEqual(intervalsOf(perList, settings.seed).trained);
    expect(done.liftByObject).toEqual(
      liftBySegment(perList.trained, perList.control, () => ['no dominant object'], settings.seed, clusters),
    );
    const ofReplay = { recommendationId: 'replay-7-3-none-none', queryPinIndex: 4, userId: null };
    expect([ofReplay, { ...ofReplay, recommendationId: 'replay-7-9', queryPinIndex: 5 }].map(truthOf)).toEqual(['replay 7', 'replay 7']);
    expect(truthOf({ recommendationId: 'r', queryPinIndex: -1, userId: 'ann' })).toBe('user ann');
  });

  it('is the same to the bit for the same seed, however many workers choose C', async () => {
    const data = collectLogData(madeUpLog(300, 2, 0, 0.1));
    const training = trainingRows(data, ['log-saves', 'fc6-similarity']);
    const one = await chooseC(training, { normalize: 'standard', workers: 1, grid: [1e-4, 1e-2] });
    const three = await chooseC(training, { normalize: 'standard', workers: 3, grid: [1e-4, 1e-2] });
    expect(three).toEqual(one);
    expect(one.curve).toHaveLength(2);
    const a = await trainOnLog(data, settings);
    const b = await trainOnLog(data, settings);
    expect(b.model.w).toEqual(a.model.w);
    expect(b.ndcg10).toEqual(a.ndcg10);
  });

  it('learns nothing from the lists that judge: not weights, not normalization, not C', async () => {
    const lists = [...madeUpLog(300, 6, 0, 0.1)];
    const turned = lists.map((list, at) =>
      at < 240 ? list : { ...list, grades: list.grades.map((_, i) => (i === 0 ? 4 : 0)), items: scaled(list) },
    );
    const [a, b] = [lists, turned].map((judged) => trainOnLog(collectLogData(judged), { ...settings, c: null }));
    const [kept, other] = [await a, await b];
    expect(other.holdout.lists).toHaveLength(60);
    expect(other.model.features).toEqual(kept.model.features);
    expect(other.c).toBe(kept.c);
    expect(other.ndcg10).not.toEqual(kept.ndcg10);
  });

  it('no owner of a replay stands on both sides of the holdout', () => {
    for (const size of [3, 7, 41]) {
      const lists = [...madeUpLog(100, 8, 0, 0)].map((list, at) => ({
        ...list,
        recommendationId: `replay-${Math.floor(at / size)}-${at}`,
      }));
      const data = collectLogData(lists);
      const { train, holdout } = splitLog(data, 0.2);
      const owners = (from: number, to: number): Set<string> => new Set(data.lists.slice(from, to).map(truthOf));
      const learned = owners(train.from, train.to);
      expect([...owners(holdout.from, holdout.to)].filter((owner) => learned.has(owner))).toEqual([]);
      expect(holdout.to - holdout.from).toBeGreaterThan(0);
    }
  });

  it('C is chosen by folds that cut no owner: lists of one owner alone give no fold', async () => {
    const training = trainingRows(collectLogData(madeUpLog(300, 7, 0, 0.1)), ['log-saves', 'fc6-similarity']);
    const choose = (groupOf: (list: number) => number) =>
      chooseC(training, { normalize: 'standard', workers: 1, grid: [1e-4, 1e-2], groupOf });
    expect((await choose((list) => list >> 3)).curve).toHaveLength(2);
    await expect(choose(() => 1)).rejects.toMatchObject({ code: 'RANKER_NO_PAIRS' });
  });

  it('climbs the ladder on the same held-out lists', () => {
    const data = collectLogData(madeUpLog(600, 3, 0, 0.1));
    const steps = climbLadder(sliceLog(data, 0, 480), sliceLog(data, 480, 600), {
      c: 0.01,
      normalize: 'standard',
      seed: 1,
      segmentsOf: (list) => [list % 2 ? 'art' : 'quotes'],
    });
    expect(steps.map(({ step }) => step)).toEqual(['control', '+ fc6/fc8', '+ category crosses', '+ object features']);
    expect(steps[0].lift.mean).toBe(0);
    expect(steps[1].lift.low).toBeGreaterThan(0);
    expect(steps[2].lift.low).toBeGreaterThan(0);
    expect(Math.abs(steps[3].lift.mean)).toBeLessThan(0.01);
  });

  it('refuses an empty log and names the job that makes one', async () => {
    await expect(trainOnLog(collectLogData([]), settings)).rejects.toThrow('replay-saves');
  });

  it('caps floods and repetitions, and cuts what was hardly seen', () => {
    const one = [...madeUpLog(1, 4, 0, 0)][0];
    const again = Array.from({ length: 10 }, () => one);
    expect(collectLogData(again, { repeatsPerDay: 3 }).left).toEqual({ floods: 0, repeated: 7 });
    expect(collectLogData(again, { listsPerUserDay: 2 }).lists).toHaveLength(2);
    const grades = new Float32Array(LENGTH);
    grades[2] = 4;
    const data = trainingRows(collectLogData([{ ...one, grades }]), ['log-saves']);
    expect([...data.positions]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('learning curve', () => {
  /** People want a little of each of 150 things: a few dozen lists can't tell how much of which. */
  const random = seededRandom(5);
  const WIDE = Object.fromEntries([['log-saves', 0.3], ...FEATURE_COLUMNS.slice(1, 150).map((name) => [name, 0.3 * random.normal()])]);
  const curveOf = async (lists: number, c: number | null, wanted = WIDE, holdoutShare = 0.2) => {
    const data = collectLogData(madeUpLog(lists, 11, 0, 0.1, wanted), { listsPerUserDay: 1e9, repeatsPerDay: 1e9 });
    const of = { ...settings, c, holdoutShare };
    const whole = await trainOnLog(data, of);
    const early = sliceLog(data, 0, data.lists.length - whole.holdout.lists.length);
    return { whole, early, curve: await learningCurve(early, whole.holdout, whole, of) };
  };

  it('rises where few lists cannot weigh many columns, and ends where the job ends', async () => {
    const { whole, early, curve } = await curveOf(1000, 0.01, WIDE, 0.9);
    expect(curve.word).toBe('pays');
    expect(curve.points.map(({ share }) => share)).toEqual([1 / 8, 1 / 4, 1 / 2, 1]);
    const last = curve.points[3];
    expect(last.ndcg10).toEqual(whole.ndcg10.trained);
    expect([last.lists, last.pairs]).toEqual([early.lists.length, whole.model.pairs]);
    expect(last.gain?.low).toBeGreaterThan(0);
    expect(curve.baselines).toEqual({ asServed: whole.ndcg10.asServed, shuffled: whole.ndcg10.shuffled });
    const lines = curveLines(curve);
    expect(lines).toHaveLength(6);
    expect(lines[5]).toContain(`More lists still pay: the last doubling changed NDCG@10 by +${last.gain?.mean.toFixed(4)}`);
  });

  it('is flat where a few dozen lists have said everything', async () => {
    const { curve } = await curveOf(1200, 0.001, UTILITY);
    expect(curve.word).toBe('not resolved');
    expect(curve.points[3].gain?.low).toBeLessThanOrEqual(0);
    expect(curve.says).toMatch(/^Not resolved whether more lists pay: .* on \d+ later lists\.$/);
  });

  it('shares are nested, cut no truth, and hold no list that judges; C is chosen by the lists of the share', async () => {
    const { early, curve, whole } = await curveOf(300, null);
    const truths = clustersOf(early);
    const shares = drawnShares(truths, settings.seed);
    for (const [at, { lists }] of shares.entries()) {
      const inside = new Set(lists.map((list) => truths[list]));
      expect(lists).toEqual(truths.flatMap((truth, list) => (inside.has(truth) ? [list] : [])));
      if (at > 0) expect(shares[at - 1].lists.every((list) => lists.includes(list))).toBe(true);
    }
    expect(shares[3].lists).toHaveLength(early.lists.length);
    expect(curve.points.map(({ lists }) => lists)).toEqual(shares.map(({ lists }) => lists.length));
    expect(drawnShares(truths, settings.seed)).toEqual(shares);
    expect(drawnShares(truths, 2)).not.toEqual(shares);
    expect(curve.points[3].c).toBe(whole.c);
  });

  it('learns nothing from the lists that judge', async () => {
    const { early, curve, whole } = await curveOf(300, 0.01);
    const turned = { ...whole.holdout, grades: whole.holdout.grades.map((grade) => (grade === 0 ? 4 : 0)) };
    const other = await learningCurve(early, turned, whole, { ...settings, c: 0.01 });
    expect(other.points.map(({ pairs, c, lists }) => [pairs, c, lists])).toEqual(
      curve.points.map(({ pairs, c, lists }) => [pairs, c, lists]),
    );
    // What was learned orders the same lists the same way: what it raised before, it lowers now.
    for (const { ndcg10 } of other.points) expect(ndcg10?.mean).toBeLessThan(other.baselines.shuffled.mean);
    const none = { ...whole.holdout, grades: new Float32Array(whole.holdout.grades.length) };
    await expect(learningCurve(early, none, whole, settings)).rejects.toThrow('nothing to judge by');
  });
});

describe('position bias', () => {
  it('the estimated curve covers the planted one, from shuffled lists and from interventions', () => {
    const data = collectLogData(madeUpLog(20_000, 5, 1, 1), { listsPerUserDay: 1e9, repeatsPerDay: 1e9 });
    const shuffled = examinationFromShuffled(data);
    const harvested = examinationFromInterventions(data);
    for (const found of [shuffled, harvested]) {
      let covered = 0;
      for (let at = 0; at < LENGTH; at++) {
        const truth = 1 / (at + 1);
        if (found && found.low[at] <= truth && found.high[at] >= truth) covered++;
        expect(found?.curve[at]).toBeCloseTo(truth, 1);
      }
      expect(covered).toBeGreaterThanOrEqual(10);
    }
  });

  it('the weighted model orders closer to the truth than the naive one', async () => {
    const data = collectLogData(madeUpLog(6000, 6, 1.2, 0.05));
    const examination = examinationFromShuffled(data);
    if (!examination) throw new Error('no shuffled lists');
    const naive = await trainOnLog(data, settings);
    const weighted = await trainOnLog(data, {
      ...settings,
      pairWeights: (training) => ({ better: propensityWeights(training, examination, 20).better }),
    });
    const cosine = (features: readonly { readonly name: string; readonly weight: number }[]): number => {
      const weights = Object.keys(UTILITY).map((name) => features.find((feature) => feature.name === name)?.weight ?? 0);
      const truth = Object.values(UTILITY);
      return weights.reduce((sum, value, at) => sum + value * truth[at], 0) / Math.hypot(...weights) / Math.hypot(...truth);
    };
    expect(cosine(weighted.model.features)).toBeGreaterThan(cosine(naive.model.features));
  });

  it('clips and counts', () => {
    const data = collectLogData(madeUpLog(1, 7, 0, 0));
    const curve = { curve: [1, 0.5, 0.01], low: [], high: [], impressions: [], method: 'randomized' as const };
    const weights = propensityWeights(data, curve, 10);
    expect([...weights.better.slice(0, 4)]).toEqual([1, 2, 10, 10]);
    expect(weights.clipped).toBe(10);
  });
});

describe('training report', () => {
  it('is one file that loads nothing, and names every feature', async () => {
    const data = collectLogData(madeUpLog(300, 8, 0.5, 0.2));
    const training = await trainOnLog(data, settings);
    const model = { ...modelOf('m-<1>', training.model.features), ndcg10: training.ndcg10 };
    const ladder = climbLadder(sliceLog(data, 0, 240), sliceLog(data, 240, 300), {
      c: 0.01,
      normalize: 'standard',
      seed: 1,
      segmentsOf: () => ['art'],
    });
    const curve = examinationFromShuffled(data);
    const says = '62 later lists: engagement +4.0 % (+1.0 .. +7.0)';
    const judgement = decide({
      model: 'm-1',
      against: 'starter',
      evidence: [{ kind: 'debiased lists', word: 'better', lift: 0.04, low: 0.01, high: 0.07, count: 62, says }],
      missing: null,
      people: true,
    });
    const html = trainingReport({ model, training, judgement, ladder, examination: curve && { curve, clip: 10, clipped: 3 } });
    expect(html).toContain('m-&lt;1&gt;');
    expect(html).not.toMatch(/https?:|<script|<link|src="(?!data:)/);
    for (const name of FEATURE_COLUMNS) expect(html).toContain(name);
    expect(html, 'a table without rows').not.toMatch(/<\/th><\/tr><\/table>/);
    expect(html).toMatch(/<details><summary>\d+ features that moved less/);
    expect(html).toContain(`Promotion takes it, better: ${says}, over starter.`);
    for (const heading of [
      'Ladder',
      'Beside starter',
      'Weights',
      'Convergence',
      'Worst queries',
      'Examination by position',
      'Drift',
      '3 rows were cut',
    ])
      expect(html).toContain(heading);
  });
});
