/**
 * Can the judge of models be believed? Pairs of models of known worth, traffic with position bias served by one of the two, and
 * what the judge says of the other, by kind of evidence. Right: it prefers the truly better one. What it says it cannot tell
 * is neither right nor wrong.
 */
import { setImmediate } from 'node:timers/promises';
import { emptyStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import { addPreference, creditOf, preferenceOf, teamDraft } from '../../src/experiments/statistics/interleaving.ts';
import { ServiceError } from '../../src/errors.ts';
import { binomialTest } from '../../src/math/distributions.ts';
import { mixedSeed, type Random, seededRandom } from '../../src/math/random.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { clickEvidence } from '../../src/ranker/judging/click-evidence.ts';
import { compareLists } from '../../src/ranker/judging/compared-lists.ts';
import { decide, type Evidence, type JudgementWord, liftText, LOSS_MARGIN, wordOf } from '../../src/ranker/judging/judgement.ts';
import type { LinearRanker } from '../../src/ranker/scoring/linear-model.ts';
import {
  drawQuery,
  PLANTED_KINDS,
  PLANTED_PAGE,
  type PlantedWorld,
  plantedLog,
  plantedModel,
  plantedOrder,
  plantedWorld,
  visit,
  worthOf,
} from '../simulations/planted-visitors.ts';

/** How far models are off the best weights, and how much of the traffic is shuffled: every pair of the two comes up in turn. */
const SPREADS = [1, 0.5, 0.25] as const;
const SHUFFLED_SHARES = [0.02, 0.05, 0.1, 0.2] as const;
/** Every fourth pair has an interleaved experiment; its users make three lists each. */
const EXPERIMENT_EVERY = 4;
const EXPERIMENT_USERS = 800;

const FLAGS = flags([
  { flag: '--pairs <n>', meaning: 'pairs of models in each kind of world', kind: 'integer', default: 96 },
  { flag: '--lists <n>', meaning: 'lists that visitors look at, per pair', kind: 'integer', default: 2000 },
  { flag: '--seed <n>', meaning: 'seed of worlds, models and visitors', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'judge-study',
  summary: 'whether the judge of models prefers the truly better one: right, wrong, cannot tell, by kind of evidence',
  examples: ['npm run lab -- judge-study --json', 'npm run lab -- judge-study --pairs 24 --lists 1000 --seed 7'],
  options: FLAGS,
  run: study,
  exitCode: ({ passed }) => (passed ? 0 : 1),
  describe({ counts, shares, seed, passed, checks }) {
    const line = (name: string, { right, wrong, cannotTell }: Count): string =>
      `${name.padEnd(28)}${[right, wrong, cannotTell].map((count) => String(count).padStart(12)).join('')}`;
    return [
      `seed ${String(seed)}`.padEnd(28) + ['right', 'wrong', 'cannot tell'].map((word) => word.padStart(12)).join(''),
      ...Object.entries(counts as Counts).map(([kind, count]) => line(kind, count)),
      ...Object.entries(shares as Counts).map(([share, count]) => line(`judge, ${share} shuffled`, count)),
      ...(checks as readonly Check[]).map((check) => `${check.passed ? 'holds' : 'FAILS'}  ${check.name}: ${check.detail}`),
      passed ? 'The judge can be believed.' : 'THE JUDGE CANNOT BE BELIEVED.',
    ];
  },
});

interface Count {
  right: number;
  wrong: number;
  cannotTell: number;
}
type Counts = Record<string, Count>;

interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
}

async function study({ options, progress, signal }: Input): Promise<Readonly<Record<string, unknown>>> {
  const { pairs, lists, seed } = options;
  const startedAt = Date.now();
  const [counts, shares]: [Counts, Counts] = [{}, {}];
  const wrong: object[] = [];
  progress.start('judging pairs of models', pairs * PLANTED_KINDS.length);
  for (let pair = 0; pair < pairs; pair++)
    for (const [at, kind] of PLANTED_KINDS.entries()) {
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
      const world = plantedWorld(kind, mixedSeed(seed, `world ${pair}`));
      const shuffledShare = SHUFFLED_SHARES[pair % SHUFFLED_SHARES.length];
      const { truth, evidence, word } = await judgePair(
        world,
        { lists, shuffledShare, pair },
        seededRandom(mixedSeed(seed, `${kind} ${pair}`)),
      );
      for (const each of evidence) add(counts, each.kind, each.word, truth);
      const verdict = add(counts, 'judge', word, truth);
      add(shares, `${100 * shuffledShare} %`, word, truth);
      if (verdict === 'wrong') wrong.push({ kind, pair, truth, word, evidence });
      progress.update(pair * PLANTED_KINDS.length + at);
      await setImmediate();
    }
  progress.stop();
  const checks = checksOf(counts.judge);
  const passed = checks.every((check) => check.passed);
  return {
    pairs: pairs * PLANTED_KINDS.length,
    lists,
    seed,
    counts,
    shares,
    wrong,
    checks,
    passed,
    seconds: (Date.now() - startedAt) / 1000,
  };
}

interface Setting {
  readonly lists: number;
  readonly shuffledShare: number;
  readonly pair: number;
}

async function judgePair(world: PlantedWorld, { lists, shuffledShare, pair }: Setting, random: Random) {
  const spread = SPREADS[pair % SPREADS.length];
  const [a, b] = ['new', 'serving'].map((name) => plantedModel(world, name, spread, random));
  const scores = (model: LinearRanker) => (list: { readonly items: { readonly rows: Parameters<LinearRanker['score']>[0]['rows'] } }) =>
    model.score({ rows: list.items.rows });
  const log = plantedLog(world, b, { lists, shuffledShare }, random);
  const clicks = clickEvidence(await compareLists(log, { a: scores(a), b: scores(b) }, lists), 0, 0);
  const evidence: Evidence[] = [...clicks.evidence];
  if (pair % EXPERIMENT_EVERY === 0) evidence.push(interleave(world, a, b, random));
  const { word } = decide({ model: a.name, against: b.name, evidence, missing: clicks.missing, people: true });
  return { truth: worthOf(world, a) / worthOf(world, b) - 1, evidence, word };
}

/** An interleaved experiment as the service runs one: shared pages, credit to the team, an interval that may be watched. */
function interleave(world: PlantedWorld, a: LinearRanker, b: LinearRanker, random: Random): Evidence {
  const statistics = emptyStatistics();
  for (let user = 0; user < EXPERIMENT_USERS; user++) {
    const credit = new Float64Array(2);
    for (let list = 0; list < 3; list++) {
      const query = drawQuery(random);
      const { items, teams } = teamDraft([plantedOrder(world, query, b), plantedOrder(world, query, a)], PLANTED_PAGE, random);
      creditOf(teams, visit(world, query, items, random), 2, 'each').forEach((value, arm) => {
        credit[arm] += value;
      });
    }
    addPreference(statistics, credit[0], credit[1]);
  }
  const { preference, low, high, units } = preferenceOf(statistics, { kind: 'always-valid', alpha: 0.05, expectedUnits: EXPERIMENT_USERS });
  const says = `${units} users: preference ${liftText(preference, low, high)}`;
  return { kind: 'experiment', word: wordOf(low, high), lift: preference, low, high, count: units, says };
}

/** "As good" is right for a model that is not worse by more than the margin. */
function add(counts: Counts, name: string, word: JudgementWord, truth: number): keyof Count {
  const count = (counts[name] ??= { right: 0, wrong: 0, cannotTell: 0 });
  const right = word === 'better' ? truth > 0 : word === 'worse' ? truth < 0 : truth >= -LOSS_MARGIN;
  const told = word === 'cannot tell' ? 'cannotTell' : right ? 'right' : 'wrong';
  count[told]++;
  return told;
}

function checksOf({ right, wrong, cannotTell }: Count): readonly Check[] {
  const told = right + wrong;
  const p = binomialTest(wrong, told, 0.1, 'greater');
  return [
    {
      name: 'it prefers the truly better model at least 9 times in 10',
      passed: told > 0 && right >= 0.9 * told,
      detail: `${right} of ${told} (chance of so many wrong if one in ten were: ${p.toPrecision(2)})`,
    },
    {
      // A judge that never tells is never wrong.
      name: 'it tells of at least a third of the pairs',
      passed: told * 3 >= told + cannotTell,
      detail: `${told} of ${told + cannotTell}`,
    },
  ];
}
