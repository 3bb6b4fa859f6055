import { describe, expect, it } from 'vitest';
import { plantedLog, plantedModel, plantedWorld, worthOf } from '../../lab/simulations/planted-visitors.ts';
import type { JudgedList } from '../../src/catalog/log/judged-list.ts';
import { seededRandom } from '../../src/math/random.ts';
import { boardEvidence, clickEvidence } from '../../src/ranker/judging/click-evidence.ts';
import { compareLists } from '../../src/ranker/judging/compared-lists.ts';
import { decide, type Evidence, wordOf } from '../../src/ranker/judging/judgement.ts';
import type { LinearRanker } from '../../src/ranker/scoring/linear-model.ts';

const DAY_MS = 24 * 3600 * 1000;
const world = plantedWorld('even', 1);
const good = plantedModel(world, 'good', 0, seededRandom(1));
/** Of 40 models that are off by two deviations, the one that is worth least. */
const bad = Array.from({ length: 40 }, (_, n) => plantedModel(world, `bad ${n}`, 2, seededRandom(n))).reduce((least, model) =>
  worthOf(world, model) < worthOf(world, least) ? model : least,
);

const compared = (a: LinearRanker, b: LinearRanker, lists: Iterable<JudgedList>) => {
  const scores = (model: LinearRanker) => (list: JudgedList) => model.score({ rows: list.items.rows });
  return compareLists(lists, { a: scores(a), b: scores(b) }, 1e6);
};
const words = (evidence: readonly Evidence[]): readonly string[] => evidence.map(({ word }) => word);

describe('what clicks say of two models', () => {
  it('the truly better one is better, whichever of the two served', async () => {
    expect(worthOf(world, good)).toBeGreaterThan(1.5 * worthOf(world, bad));
    for (const served of [good, bad]) {
      const log = [...plantedLog(world, served, { lists: 2000, shuffledShare: 0.2 }, seededRandom(2))];
      const { evidence, missing } = clickEvidence(await compared(good, bad, log), 0, log[log.length - 1].at);
      expect(words(evidence)).toEqual(['better', 'better']);
      expect(missing).toBeNull();
      expect(words(clickEvidence(await compared(bad, good, log), 0, 0).evidence)).toEqual(['worse', 'worse']);
    }
  });

  it('a model beside itself is as good, to the last digit', async () => {
    const log = [...plantedLog(world, good, { lists: 600, shuffledShare: 0.3 }, seededRandom(3))];
    const { evidence } = clickEvidence(await compared(good, good, log), 0, 0);
    expect(evidence.map(({ word, lift }) => [word, lift])).toEqual([
      ['as good', 0],
      ['as good', 0],
    ]);
  });

  it('an order that the log favors is not taken for a better one', async () => {
    // All is right or nothing is: only where an item stood says whether it was clicked.
    const alike = { ...world, right: world.right.map((query) => query.map(() => 1)) };
    const log = [...plantedLog(alike, good, { lists: 3000, shuffledShare: 0.1 }, seededRandom(4))];
    const { evidence } = clickEvidence(await compared(bad, good, log), 0, 0);
    expect(words(evidence)).not.toContain('worse');
    expect(words(evidence)).not.toContain('better');
  });

  it('without shuffled lists nobody can tell, however many lists there are; the lists that are missing have a date or a reason', async () => {
    const none = [...plantedLog(world, good, { lists: 3000, shuffledShare: 0 }, seededRandom(5))];
    const without = clickEvidence(await compared(bad, good, none), 0, 0);
    expect(words(without.evidence)).toEqual(['cannot tell', 'cannot tell']);
    expect(without.missing).toMatchObject({ have: 0, need: 50, perDay: 0, readyAt: null });
    const few = [...plantedLog(world, good, { lists: 1440, shuffledShare: 0.01 }, seededRandom(6))];
    const now = few[few.length - 1].at;
    const { missing } = clickEvidence(await compared(bad, good, few), 0, now);
    const have = few.filter(({ shuffled, grades }) => shuffled && grades.some((grade) => grade > 0)).length;
    expect(have).toBeGreaterThan(3);
    expect(missing).toMatchObject({ have, need: 50, perDay: have });
    expect(Date.parse(missing?.readyAt ?? '')).toBeCloseTo(now + ((50 - have) / have) * DAY_MS, -3);
  });

  it('lists that taught a model do not judge it, and lists of a replay are judged apart', async () => {
    const log = [...plantedLog(world, good, { lists: 1500, shuffledShare: 0.3 }, seededRandom(7))];
    const late = clickEvidence(await compared(good, bad, log), log[log.length - 1].at + 1, 0);
    expect(late.evidence.map(({ count }) => count)).toEqual([0, 0]);
    const replayed = log.map((list, n) => ({ ...list, recommendationId: `replay-${n % 100}-${n}`, shuffled: false }));
    const lists = await compared(good, bad, replayed);
    expect(clickEvidence(lists, 0, 0).evidence.map(({ count }) => count)).toEqual([0, 0]);
    expect(boardEvidence(lists, 0)).toMatchObject({ kind: 'held-out boards', word: 'better' });
  });
});

describe('the word', () => {
  it('follows from the interval', () => {
    expect([wordOf(0.01, 0.1), wordOf(-0.005, 0.1), wordOf(-0.02, 0.1), wordOf(-0.2, -0.1), wordOf(null, null)]).toEqual([
      'better',
      'as good',
      'cannot tell',
      'worse',
      'cannot tell',
    ]);
  });

  const found = (kind: Evidence['kind'], word: Evidence['word'], lift: number | null = 0.1): Evidence => ({
    kind,
    word,
    lift,
    low: lift,
    high: lift,
    count: 9,
    says: kind,
  });
  const judged = (people: boolean, ...evidence: Evidence[]) => decide({ model: 'a', against: 'b', evidence, missing: null, people });

  it('comes from the most believed evidence that can tell', () => {
    expect(judged(true, found('debiased lists', 'worse'), found('experiment', 'better'))).toMatchObject({
      word: 'better',
      reason: 'experiment, over b',
    });
    expect(judged(true, found('shuffled lists', 'cannot tell'), found('debiased lists', 'worse')).word).toBe('worse');
  });

  it('checks without people pass nothing that people taught, and stop what falls', () => {
    const boards = found('held-out boards', 'better');
    expect(judged(true, boards)).toMatchObject({ word: 'cannot tell' });
    expect(judged(false, boards, found('what everybody sees', 'as good')).word).toBe('better');
    expect(judged(false, boards, found('what everybody sees', 'worse')).word).toBe('worse');
    expect(judged(false, found('held-out boards', 'cannot tell', null)).word).toBe('cannot tell');
  });

  it('a model that checks without people call only as good does not take the place of one that serves', () => {
    const seen = found('what everybody sees', 'as good');
    const { word, reason } = judged(false, found('held-out boards', 'as good'), seen);
    expect(word).toBe('cannot tell');
    expect(reason).toContain('held-out boards; what everybody sees: that is no gain over b');
    expect(judged(false, seen, seen).word).toBe('cannot tell');
    expect(judged(false, found('held-out boards', 'better'), seen, found('what everybody sees', 'cannot tell')).word).toBe('cannot tell');
    // People's own actions still let pass what is surely not worse.
    expect(judged(true, found('shuffled lists', 'as good')).word).toBe('as good');
  });

  it('cannot tell says what is missing and until when', () => {
    const missing = { have: 12, need: 200, perDay: 4, readyAt: '2027-01-14T00:00:00.000Z' };
    expect(decide({ model: 'a', against: 'b', evidence: [], missing, people: true }).reason).toBe(
      'no evidence tells it from b: 12 of about 200 shuffled lists with an action on them are there, 188 are missing, and at the present rate they are there on 2027-01-14; an experiment between the two tells sooner',
    );
    const never = decide({ model: 'a', against: 'b', evidence: [], missing: { ...missing, perDay: 0, readyAt: null }, people: true });
    expect(never.reason).toContain('none was served shuffled in the last seven days; RELATED_PINS_SHUFFLED_SHARE sets how many are');
  });
});
