/**
 * Do the judge of models and an A/B test agree? In each of the demo's worlds the judge is asked about pairs of models on the log
 * of the first visitors; then the same people make the same visits under either model, through the spine, and the difference
 * of what they click and save is the answer. A judge that cannot tell contradicts nobody; neither does a test without a clear sign.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../src/errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { mixedSeed, seededRandom } from '../../src/math/random.ts';
import { type JudgementWord, liftText } from '../../src/ranker/judging/judgement.ts';
import { bootstrapLift } from '../../src/math/bootstrap.ts';
import { STARTER } from '../../src/ranker/registry/starter-model.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { judgeModel } from '../../src/service/model-judge.ts';
import { WORLD_KINDS, type WorldKind } from '../world/recipe.ts';
import { makeDemo } from './demo/demo.ts';
import { heldOut, listOptions, pinMaps } from './demo/demo-traffic.ts';
import { requireTrueWorld, type TrueWorld } from './world-truth.ts';

/** The model that is asked about, and the one it is set beside. */
const PAIRS = [
  ['full', STARTER],
  ['control', STARTER],
  ['full', 'control'],
] as const;

const FLAGS = flags([
  { flag: '--seeds <n>', meaning: 'seeds of each world', kind: 'integer', default: 5 },
  { flag: '--pins <n>', meaning: 'pins of a world', kind: 'integer', default: 600 },
  { flag: '--boards <n>', meaning: 'boards of a world', kind: 'integer', default: 120 },
  { flag: '--users <n>', meaning: 'people of a world', kind: 'integer', default: 150 },
  { flag: '--lists <n>', meaning: 'lists of the first visitors, which the judge sees', kind: 'integer', default: 3000 },
  { flag: '--visits <n>', meaning: 'visits of the A/B test, each made under either model', kind: 'integer', default: 1500 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'judge-worlds',
  summary: 'Whether the judge of models and an A/B test agree in sign on the three demo worlds.',
  examples: ['npm run lab -- judge-worlds --data DIR --json', 'npm run lab -- judge-worlds --data DIR --seeds 1 --pins 300'],
  options: FLAGS,
  run: judgeWorlds,
  exitCode: ({ passed }) => (passed ? 0 : 1),
  describe({ rows, told, agreed, passed }) {
    return [
      ...(rows as readonly Row[]).map(
        ({ world, seed, model, against, word, lift, low, high, agrees }) =>
          `${agrees ? 'agrees   ' : 'DISAGREES'} ${world} ${seed}, ${model} over ${against}: judge ${word}; A/B ${liftText(lift, low, high)}`,
      ),
      `${String(agreed)} of ${String(told)} judgements that tell agree with a test that has a sign${passed ? '' : ': THE JUDGE CANNOT BE BELIEVED'}`,
    ];
  },
});

interface Row {
  readonly world: WorldKind;
  readonly seed: number;
  readonly model: string;
  readonly against: string;
  readonly word: JudgementWord;
  readonly reason: string;
  /** Of the A/B test, with its 95 % interval. */
  readonly lift: number;
  readonly low: number;
  readonly high: number;
  readonly agrees: boolean;
}

async function judgeWorlds(input: Input): Promise<Readonly<Record<string, unknown>>> {
  const { options } = input;
  const rows: Row[] = [];
  const folderOf = (kind: WorldKind, seed: number): string => join(input.dataFolder, 'judged', `${kind}-${seed}`);
  for (let seed = 1; seed <= options.seeds; seed++) {
    for (const kind of WORLD_KINDS) {
      const dataFolder = folderOf(kind, seed);
      mkdirSync(dataFolder, { recursive: true });
      input.progress.note(`${kind} world, seed ${seed}`);
      const size = { kind, seed, pins: options.pins, boards: options.boards, users: options.users };
      const given = { ...input, dataFolder, config: { ...input.config, data: dataFolder } };
      await makeDemo(given, size, { proof: true, twin: kind === 'planted' ? null : folderOf('planted', seed) });
      rows.push(...(await judgeWorld(given, kind, seed)));
    }
    for (const kind of WORLD_KINDS) rmSync(join(folderOf(kind, seed), 'world', 'images'), { recursive: true, force: true });
  }
  const clear = rows.filter(({ word, low, high }) => (word === 'better' || word === 'worse') && (low > 0 || high < 0));
  const agreed = clear.filter(({ agrees }) => agrees).length;
  return { rows, told: clear.length, agreed, passed: agreed === clear.length && rows.every(({ agrees }) => agrees) };
}

async function judgeWorld(input: Input, world: WorldKind, seed: number): Promise<Row[]> {
  const context = await openContext(input.config, input.dataFolder, { lock: true });
  try {
    const truth = requireTrueWorld(input.dataFolder);
    const engaged = new Map<string, Float64Array>();
    for (const model of new Set(PAIRS.flat())) engaged.set(model, await visitsUnder(context, truth, model, input));
    const rows: Row[] = [];
    for (const [model, against] of PAIRS) {
      const { word, reason } = await judgeModel(context, model, { against });
      const [a, b] = [model, against].map((name) => engaged.get(name) ?? new Float64Array(0));
      const { mean: lift, low, high } = bootstrapLift(a, b, seed);
      const contradicts = (word === 'better' && high < 0) || (word === 'worse' && low > 0);
      rows.push({ world, seed, model, against, word, reason, lift, low, high, agrees: !contradicts });
    }
    return rows;
  } finally {
    await context.close();
  }
}

/** Items clicked or saved on each visit when a model orders the lists. Same visits, same people, same chance under every model. */
async function visitsUnder(context: Context, { recipe, people }: TrueWorld, model: string, input: Input): Promise<Float64Array> {
  const { toCatalog, toRecipe } = pinMaps(context, recipe);
  const pool = recipe.pins.flatMap((_, pin) => (heldOut(pin) ? [] : [pin]));
  const { parts } = context;
  const visits = new Float64Array(input.options.visits);
  input.progress.start(`A/B test, ${model}`, visits.length);
  for (let visit = 0; visit < visits.length; visit++) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const id = `ab-${visit}`;
    const random = seededRandom(mixedSeed(recipe.size.seed, id));
    const user = random.pick(recipe.users);
    const query = people.chooseQuery(user, pool, random);
    const options = listOptions(visit, id, null);
    const list = await relatedPins(parts, toCatalog[query], { ...options, treatment: { ...options.treatment, model }, forced: true });
    const shown = Array.from(list.page, (row) => toRecipe[list.candidates.pinIndexes[row]]);
    const actions = people.act(user, query, shown, random);
    visits[visit] = actions.filter(({ type }) => type === 'click' || type === 'longClick' || type === 'save').length;
    if (visit % 50 === 0) input.progress.update(visit);
  }
  input.progress.stop();
  return visits;
}
