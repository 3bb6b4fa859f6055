/**
 * The experiment of the paper's section 7 on the demo world: a default box, every dot, and dots under thresholds in the
 * shape of Table 5, judged by Flashlight save propensity. Every arm meets the same visitors with the same chances.
 */
import { bootstrap, type Interval } from '../../../src/math/bootstrap.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExactIndex } from '../../../src/candidates/visual/exact-index.ts';
import { openCatalog } from '../../../src/catalog/pins/catalog-store.ts';
import { imageLocation } from '../../../src/catalog/pins/image-reference.ts';
import { loadPinColumns } from '../../../src/catalog/pins/pin-columns.ts';
import { ServiceError } from '../../../src/errors.ts';
import { codeOf, unfitted } from '../../../src/features/binarize.ts';
import { openConvNet } from '../../../src/features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../../../src/features/feature-store.ts';
import { openFeatures } from '../../../src/features/resident-features.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import { annotationIdf } from '../../../src/search/annotation-terms.ts';
import type { PhotoDot } from '../../../src/search/crop-evaluation.ts';
import { ASK_NOTHING, fitDotThresholds, type Knob } from '../../../src/search/dot-thresholds.ts';
import { visualSearch, type VisualSearchSources } from '../../../src/search/flashlight.ts';
import { type DotThresholds, suppressingSignal } from '../../../src/search/object-dots.ts';
import { openObjectStore, type StoredObject } from '../../../src/search/object-store.ts';
import { openPool } from '../../../src/vision/inference-pool.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { FLASHLIGHT_VISITOR, type Offer, savedPlaces, searchOf, type SearchedPicture } from '../../world/flashlight-visitors.ts';
import { makeRecipe, type WorldSize } from '../../world/recipe.ts';
import { picturesOf } from '../../world/write-world.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { readDetectorSet } from '../../../src/detection/detector-set.ts';
import { isRightDetection } from '../../../src/detection/true-objects.ts';
import { type Box, fractionsToPixels } from '../../../src/vision/box.ts';

const FLAGS = flags([
  { flag: '--visitors <n>', meaning: 'people; every arm meets all of them', kind: 'integer', default: 8000 },
  { flag: '--pictures <n>', meaning: 'pictures each of them opens', kind: 'integer', default: 6 },
  { flag: '--recall <share>', meaning: 'right dots that must stay when thresholds are fitted', kind: 'number', default: 0.9 },
  { flag: '--seed <n>', meaning: 'other visitors', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'replay-flashlight',
  summary: 'replays the paper’s section 7 on the demo world: box, all dots, dots under thresholds, by Flashlight save propensity',
  examples: ['npm run lab -- replay-flashlight --data ./var', 'npm run lab -- replay-flashlight --visitors 20000 --seed 2 --json'],
  options: FLAGS,
  run: replayFlashlight,
  describe: (receipt) => describe(receipt as unknown as Receipt),
});

/** The arms: the paper's Table 5 row by row, then ours. Null: the default box; []: every dot. */
const ARMS: readonly { readonly name: string; readonly knobs: readonly Knob[] | null }[] = [
  { name: 'default box', knobs: null },
  { name: 'all dots', knobs: [] },
  { name: 'visual', knobs: ['visual'] },
  { name: 'annotation', knobs: ['annotation'] },
  { name: 'conformity', knobs: ['conformity'] },
  { name: 'visual + annotation', knobs: ['visual', 'annotation'] },
  { name: 'visual + annotation + conformity', knobs: ['visual', 'annotation', 'conformity'] },
  { name: 'agreement', knobs: ['agreement'] },
  { name: 'detector', knobs: ['score'] },
  { name: 'detector + all signals', knobs: ['score', 'visual', 'annotation', 'conformity', 'agreement'] },
];
const DEFAULT_BOX = [0.2, 0.2, 0.8, 0.8] as const;
const RESULTS = 24;
interface WorldPicture extends SearchedPicture {
  readonly pinIndex: number;
  readonly image: string;
  readonly detected: readonly StoredObject[];
}

/** Of one visitor in one arm: whether results were seen, and whether one was saved. */
interface Outcome {
  readonly saw: boolean;
  readonly saved: boolean;
}

interface ArmReport {
  readonly arm: string;
  readonly thresholds: DotThresholds | null;
  readonly dots: number;
  readonly falseDots: number;
  /** Visitors who saved a result over visitors who saw one. */
  readonly savePropensity: number;
  /** The same over all visitors. */
  readonly savers: number;
  readonly sawResults: number;
  /** Relative to the default box, of savers over all visitors; 95 % by bootstrap over visitors. */
  readonly lift: { readonly value: number; readonly low: number; readonly high: number };
  /** Relative to the default box, of save propensity. */
  readonly propensityLift: { readonly value: number; readonly low: number; readonly high: number };
  /** Relative to every dot, of save propensity: what thresholds do, whatever a box is worth to people. */
  readonly overAllDots: { readonly value: number; readonly low: number; readonly high: number } | null;
}

interface Receipt {
  readonly visitors: number;
  readonly pictures: number;
  readonly arms: readonly ArmReport[];
}

async function replayFlashlight(input: Input): Promise<Readonly<Record<string, unknown>>> {
  const { dataFolder, config, options } = input;
  const { synchronous } = config;
  const catalog = openCatalog(dataFolder, { synchronous });
  const features = openFeatureStore(dataFolder, { synchronous });
  const pool = openPool(config);
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const visual = openFeatures(dataFolder, features, net.features, 0);
    const store = openObjectStore(dataFolder, netKeyOf(net.features), readDetectorSet(dataFolder).digest, { synchronous });
    try {
      const binarizer = features.binarizer(features.netIdOf(net.features)) ?? unfitted(net.features.rule, net.features.fc6Length);
      if (!binarizer)
        throw new ServiceError('NOTHING_TO_DO', { reason: 'No image was read by the active net; extract-features comes first.' });
      const columns = loadPinColumns(catalog);
      const sources: VisualSearchSources = {
        columns,
        index: new ExactIndex(visual.image),
        bits: visual.image.bits,
        idf: annotationIdf(columns),
      };
      const world = worldPictures(
        input,
        (id) => columns.indexOf(id),
        (pinIndex) => ({ image: catalog.pins.get(pinIndex)?.image ?? '', detected: store.read(pinIndex)?.objects ?? [] }),
      );
      const describeRegion = async (picture: WorldPicture, box: Box): Promise<Uint32Array | null> => {
        const [one] = await net.embed([{ bytes: readFileSync(imageLocation(picture.image, dataFolder)), box }]);
        return one.ok ? codeOf(binarizer, one.fc6) : null;
      };
      const results = new ResultsOf(world, sources, describeRegion);
      const arms: ArmReport[] = [];
      let box: readonly Outcome[] | null = null;
      let allDots: readonly Outcome[] | null = null;
      input.progress.start('replay', ARMS.length);
      for (const { name, knobs } of ARMS) {
        const thresholds = knobs === null ? null : thresholdsFor(world, knobs, options.recall);
        const outcomes = await visit(world, thresholds, results, input);
        box ??= outcomes;
        if (knobs?.length === 0) allDots = outcomes;
        arms.push(reportOf(name, thresholds, world, outcomes, { box, allDots }, options.seed));
        input.progress.update(arms.length);
      }
      input.progress.stop();
      return { visitors: options.visitors, pictures: world.length, seed: options.seed, visitor: FLASHLIGHT_VISITOR, arms };
    } finally {
      store.close();
      visual.close();
    }
  } finally {
    await pool.close();
    features.close();
    catalog.close();
  }
}

/** The world's pictures that any arm has something to say about: with a true or a detected object. */
function worldPictures(
  { dataFolder }: Input,
  indexOf: (id: string) => number,
  stored: (pinIndex: number) => Pick<WorldPicture, 'image' | 'detected'>,
): readonly WorldPicture[] {
  const file = join(dataFolder, 'world', 'truth.json');
  if (!existsSync(file)) throw new ServiceError('NOTHING_TO_DO', { reason: `there is no ${file}: run demo first` });
  const recipe = makeRecipe((JSON.parse(readFileSync(file, 'utf8')) as { world: WorldSize }).world);
  const drawn = picturesOf(recipe);
  const all = recipe.pins.map(({ id, felt, picture, appeal }): WorldPicture => {
    const pinIndex = indexOf(id);
    return { ...drawn[picture], felt, appeal, pinIndex, ...stored(pinIndex) };
  });
  if (all.every(({ detected }) => detected.length === 0))
    throw new ServiceError('NOTHING_TO_DO', { reason: 'No object of this world is indexed: index-objects comes first.' });
  return all.filter(({ pinIndex }) => pinIndex >= 0);
}

function isRight({ objects }: SearchedPicture, { label, box }: StoredObject): boolean {
  return isRightDetection({ label, box }, objects);
}

/** Fitted on the pictures that no visitor opens. */
function thresholdsFor(world: readonly WorldPicture[], knobs: readonly Knob[], recall: number): DotThresholds {
  if (knobs.length === 0) return ASK_NOTHING;
  const dots: PhotoDot[] = world
    .filter((picture) => !isVisited(picture))
    .flatMap((picture) =>
      picture.detected.map((object) => ({
        photo: picture.pinIndex,
        score: object.score,
        signals: object.signals,
        right: isRight(picture, object),
      })),
    );
  return fitDotThresholds(dots, knobs, recall) ?? ASK_NOTHING;
}

/** Half of the pictures are opened; thresholds are fitted on the other half. */
const isVisited = ({ pinIndex, objects, detected }: WorldPicture): boolean =>
  (objects.length > 0 || detected.length > 0) && (mixedSeed(29, String(pinIndex)) & 1) === 0;

function dotsUnder({ detected }: WorldPicture, thresholds: DotThresholds | null): readonly StoredObject[] {
  return thresholds === null ? [] : detected.filter(({ score, signals }) => suppressingSignal(score, signals, thresholds) === null);
}

/** Every visitor opens a few pictures, one after another. */
async function visit(
  world: readonly WorldPicture[],
  thresholds: DotThresholds | null,
  results: ResultsOf,
  { options, signal }: Input,
): Promise<readonly Outcome[]> {
  const opened = world.filter(isVisited);
  const outcomes: Outcome[] = [];
  for (let visitor = 0; visitor < options.visitors; visitor++) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    let trust = 1;
    let saw = false;
    let saved = false;
    for (let step = 0; step < options.pictures; step++) {
      const random = seededRandom(mixedSeed(options.seed, `visitor ${visitor} ${step}`));
      const picture = random.pick(opened);
      const offer: Offer = { dots: thresholds === null ? null : dotsUnder(picture, thresholds).map(({ box }) => box) };
      const search = searchOf(picture, offer, trust, random);
      if (!search) continue;
      const box = search.region === 'default' ? fractionsToPixels(DEFAULT_BOX, picture.width, picture.height) : search.region;
      const found = await results.of(picture, box);
      const places = savedPlaces(picture, search, found, random);
      saw ||= found.length > 0;
      saved ||= places.length > 0;
      trust = Math.min(1, trust * (places.length > 0 ? FLASHLIGHT_VISITOR.pleased : FLASHLIGHT_VISITOR.disappointed));
    }
    outcomes.push({ saw, saved });
  }
  return outcomes;
}

/** Results by region, each searched once over all arms. */
class ResultsOf {
  private readonly known = new Map<string, readonly WorldPicture[]>();
  private readonly byPin: ReadonlyMap<number, WorldPicture>;
  private readonly sources: VisualSearchSources;
  private readonly describeRegion: (picture: WorldPicture, box: Box) => Promise<Uint32Array | null>;

  constructor(
    world: readonly WorldPicture[],
    sources: VisualSearchSources,
    describeRegion: (picture: WorldPicture, box: Box) => Promise<Uint32Array | null>,
  ) {
    this.byPin = new Map(world.map((picture) => [picture.pinIndex, picture]));
    this.sources = sources;
    this.describeRegion = describeRegion;
  }

  async of(picture: WorldPicture, box: Box): Promise<readonly WorldPicture[]> {
    const key = `${picture.pinIndex}|${box.join()}`;
    const known = this.known.get(key);
    if (known) return known;
    const stored = picture.detected.find((object) => object.box.join() === box.join());
    const code = stored?.code ?? (await this.describeRegion(picture, box));
    const { pinIndex } = picture;
    const found = code === null ? [] : (await visualSearch({ code, pinIndex }, {}, this.sources)).slice(0, RESULTS);
    const pictures = found.flatMap((result) => this.byPin.get(result.pinIndex) ?? []);
    this.known.set(key, pictures);
    return pictures;
  }
}

function reportOf(
  arm: string,
  thresholds: DotThresholds | null,
  world: readonly WorldPicture[],
  outcomes: readonly Outcome[],
  against: { readonly box: readonly Outcome[]; readonly allDots: readonly Outcome[] | null },
  seed: number,
): ArmReport {
  const shown = world.filter(isVisited).flatMap((picture) => dotsUnder(picture, thresholds).map((object) => isRight(picture, object)));
  const [saw, saved] = [outcomes.filter((row) => row.saw).length, outcomes.filter((row) => row.saved).length];
  return {
    arm,
    thresholds,
    dots: shown.length,
    falseDots: shown.filter((right) => !right).length,
    savePropensity: saw === 0 ? 0 : saved / saw,
    savers: saved / outcomes.length,
    sawResults: saw / outcomes.length,
    ...liftsOf(outcomes, against.box, seed),
    overAllDots: against.allDots && liftsOf(outcomes, against.allDots, seed).propensityLift,
  };
}

/** Both lifts with their intervals; visitors are drawn in pairs, because every arm meets the same ones. */
function liftsOf(outcomes: readonly Outcome[], control: readonly Outcome[], seed: number): Pick<ArmReport, 'lift' | 'propensityLift'> {
  const series = [outcomes, control].flatMap((arm) => [arm.map(({ saved }) => Number(saved)), arm.map(({ saw }) => Number(saw))]);
  const figure = ({ mean, low, high }: Interval) => ({ value: mean, low, high });
  return {
    lift: figure(bootstrap(series, seed, undefined, ([saved, , savedBefore]) => saved / savedBefore - 1)),
    propensityLift: figure(
      bootstrap(series, seed, undefined, ([saved, saw, savedBefore, sawBefore]) => saved / saw / (savedBefore / sawBefore) - 1),
    ),
  };
}

function describe({ visitors, pictures, arms }: Receipt): string[] {
  const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
  return [
    `${visitors} visitors on a world of ${pictures} pictures; thresholds fitted on pictures that nobody opens`,
    ...arms.map(
      ({ arm, dots, falseDots, savePropensity, savers, lift, propensityLift, overAllDots }) =>
        `${arm.padEnd(34)} dots ${String(dots).padStart(4)} (${falseDots} false)  propensity ${savePropensity.toFixed(3)} ${percent(propensityLift.value).padStart(8)} (${percent(propensityLift.low)}..${percent(propensityLift.high)})  savers ${savers.toFixed(3)} ${percent(lift.value).padStart(8)} (${percent(lift.low)}..${percent(lift.high)})${overAllDots ? `  over all dots ${percent(overAllDots.value)} (${percent(overAllDots.low)}..${percent(overAllDots.high)})` : ''}`,
    ),
  ];
}
