/** Opens everything a process of the service needs, in order, and closes it in reverse. The refresher keeps it up to date. */
import { join } from 'node:path';
import { WORK_WHILE_WAITING } from '../candidates/cooccurrence/fresh-cooccurrence.ts';
import { type CatalogStore, openCatalog } from '../catalog/pins/catalog-store.ts';
import { FieldColumns } from '../catalog/pins/field-columns.ts';
import { PinFieldStore } from '../catalog/pins/pin-field-store.ts';
import { Checkpointer } from '../catalog/log/checkpointer.ts';
import { type DataFolderLock, lockDataFolder } from '../catalog/artifacts/data-folder-lock.ts';
import { type LogDatabase, openLog } from '../catalog/log/log-database.ts';
import { type ResidentPinColumns } from '../catalog/pins/pin-columns.ts';
import { residentPins } from '../catalog/pins/pin-snapshot.ts';
import type { ServedList } from '../catalog/log/served-list.ts';
import { SITE_CATEGORIES, type Config } from '../config.ts';
import { ServedMarks } from '../marks/served-marks.ts';
import { openJobRuns } from '../schedule/job-run-store.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import { openDarkReads } from '../ranker/registry/dark-read-store.ts';
import { DarkNet } from './dark-net.ts';
import { DarkReading, modelReader } from './dark-reading.ts';
import type { Decision, Units } from '../experiments/active-experiments.ts';
import { type Experiments, openExperiments } from '../experiments/experiments.ts';
import { OwnMetricsFile } from '../experiments/own-metrics.ts';
import { describeByCatalog } from '../experiments/query-segment.ts';
import type { PinObjects } from '../detection/pin-objects.ts';
import type { SharedTables } from '../features/shared-tables.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import { ModelRegistry } from '../ranker/registry/model-registry.ts';
import { ServingModels } from '../ranker/registry/serving-models.ts';
import { CandidateSources } from './candidate-sources.ts';
import { type InferencePool, openPool } from '../vision/inference-pool.ts';
import { sourceShares } from '../lists/propose.ts';
import type { Degradation, ServingParts, SourceShares } from '../lists/serving-parts.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';
import type { Grades } from '../grades.ts';
import { type KeptPast, KeptPasts } from './kept-pasts.ts';
import { NO_FACTS, queryFacts } from './query-facts.ts';
import { type HotState, openHotState } from './hot-state.ts';
import { keepFormerNet } from './eyes.ts';
import { FreshImages } from './fresh-images.ts';
import { secretsOf, userNaming } from '../catalog/pins/user-pseudonym.ts';
import { WebImages } from './web-images.ts';
import { Refresher, type ServiceChange } from './refresher.ts';
import { SearchState } from './search-state.ts';
import { VisualState } from './visual-state.ts';
import {
  type HiddenPin,
  hiddenPins,
  type PastAction,
  type PastOptions,
  pastActions,
  seenPins,
  strengthOf,
  weighedHistory,
} from './user-past.ts';

/** Pages of each database that a serving process holds besides its columns; the system's own cache has the rest. */
const SERVING_CACHE_KIB = 8192;
/** The same in a reading thread, which writes little: what it does not hold, the system does, once for all threads. */
const READER_CACHE_KIB = 2048;
interface ContextOptions {
  /** Lock the data folder: this process writes the log. */
  readonly lock?: boolean;
  /** Keep looking for changes until closed. */
  readonly follow?: boolean;
  /** Where served lists go when another thread writes the log. */
  readonly sendList?: (list: ServedList) => Promise<void>;
  /** Tables of this data folder that another thread of the process has loaded. */
  readonly tables?: SharedTables;
  /** Where catalog and candidate lists lie, when not in the data folder (a catalog with saves held out). */
  readonly catalogFolder?: string;
  /** Called once per change: which model serves, what was refused. */
  readonly onChange?: (change: ServiceChange) => void;
}

export class Context {
  readonly config: Config;
  readonly dataFolder: string;
  readonly catalog: CatalogStore;
  readonly pins: ResidentPinColumns;
  /** What lists show of pins, and what requests filter by. */
  readonly fields: PinFieldStore;
  readonly fieldColumns: FieldColumns;
  readonly marks: ServedMarks;
  readonly log: LogDatabase;
  readonly registry: ModelRegistry;
  readonly models: ServingModels;
  /** What the model in the dark makes of the lists that were served. */
  readonly darkReading: DarkReading;
  /** A net beside the serving one, and what it makes of the lists that were served. */
  readonly darkNet: DarkNet;
  readonly darkNetReading: DarkReading;
  readonly sources: CandidateSources;
  readonly experiments: Experiments;
  /** Metrics and dimensions of this installation. */
  readonly ownMetrics: OwnMetricsFile;
  private readonly sourceShares: SourceShares;
  private readonly options: ContextOptions;
  private readonly lock: DataFolderLock | null;
  readonly looks: VisualState;
  readonly refresher: Refresher;
  /** Why the start-up snapshot was rejected, if it was; everything was then read from the database. */
  startProblem: string | null = null;
  /** Set when the process was asked to end: it is no longer ready. */
  stopping = false;
  /** The cache, and what is shared with other processes. */
  readonly hot: HotState;
  /** Waits for the disk in place of the serving thread. */
  readonly checkpointer: Checkpointer | null;
  /** Pictures of pins and of requests that lie elsewhere. */
  readonly webImages: WebImages;
  private readonly pasts: KeptPasts;
  private readonly freshImages: FreshImages;
  private inferencePool: InferencePool | null = null;
  private searchState: SearchState | null = null;
  private scheduler: Scheduler | null = null;

  constructor(config: Config, dataFolder: string, options: ContextOptions) {
    this.config = config;
    this.dataFolder = dataFolder;
    this.options = options;
    this.sourceShares = sourceShares(config.sources);
    const { synchronous } = config;
    const userKey = secretsOf(config);
    this.lock = options.lock ? lockDataFolder(dataFolder) : null;
    const { catalogFolder = dataFolder } = options;
    const cacheKib = options.sendList ? READER_CACHE_KIB : SERVING_CACHE_KIB;
    this.catalog = openCatalog(catalogFolder, { synchronous, userKey, cacheKib });
    this.pins = residentPins(catalogFolder, this.catalog, SITE_CATEGORIES, (reason) => {
      this.startProblem = reason;
    });
    this.fields = new PinFieldStore(this.catalog);
    this.marks = new ServedMarks(dataFolder);
    this.fieldColumns = new FieldColumns(this.catalog, this.marks);
    this.log = openLog(dataFolder, { synchronous, userKey, cacheKib, groupCommitMs: config.groupCommitMs });
    keepFormerNet(dataFolder, { synchronous });
    this.looks = new VisualState(config, dataFolder, { synchronous, cacheKib }, options.tables);
    this.registry = new ModelRegistry(join(dataFolder, 'models'));
    this.models = new ServingModels(this.registry, () => this.visual?.netDigest ?? null);
    this.darkReading = new DarkReading(
      () => modelReader(this.models.dark()),
      () => openDarkReads(dataFolder),
    );
    this.sources = new CandidateSources(
      join(catalogFolder, 'artifacts'),
      this.catalog,
      this.pins,
      this.log.pairs,
      options.follow ? WORK_WHILE_WAITING : undefined,
    );
    this.darkNet = new DarkNet({
      dataFolder,
      artifacts: join(catalogFolder, 'artifacts'),
      classScoreBytes: config.classScoreBytes,
      store: this.looks.store,
      models: this.models,
      vectors: this.sources.vectors,
      parts: () => this.parts,
    });
    this.darkNetReading = new DarkReading(
      () => this.darkNet.reader(),
      () => openDarkReads(dataFolder),
      'nets',
    );
    const { catalog, pins, fields, looks, sources, log, models, fieldColumns, lock } = this;
    this.pasts = new KeptPasts({ catalog, log }, userNaming(userKey));
    this.experiments = this.openExperiments(userKey);
    this.ownMetrics = new OwnMetricsFile(dataFolder);
    this.webImages = new WebImages(config, dataFolder);
    this.checkpointer = options.follow && options.lock ? new Checkpointer(this.log.database) : null;
    this.hot = openHotState(config, pins, options.follow === true && options.lock === true);
    this.freshImages = new FreshImages({ config, dataFolder, catalog, pins, looks, sources, pool: () => this.inference });
    const { freshImages, darkNet } = this;
    const follows = options.follow === true;
    const onChange = (change: ServiceChange): void => options.onChange?.(change);
    const refreshed = { dataFolder, catalog, pins, fields, fieldColumns, log, looks, models, sources, freshImages, darkNet, lock };
    this.refresher = new Refresher({ ...refreshed, follows, onChange });
  }

  private openExperiments(userKey: ReturnType<typeof secretsOf>): Experiments {
    const { dataFolder, log, catalog, registry, config } = this;
    const describe = describeByCatalog(catalog);
    const hasModel = (name: string): boolean => registry.has(name);
    const parts = { log, describe, holdout: config.experimentHoldout, nameUser: userNaming(userKey), hasModel };
    return openExperiments(dataFolder, parts, { synchronous: config.synchronous });
  }

  /** Visual features of the active net; null before the first extraction. */
  get visual(): VisualFeatures | null {
    return this.looks.visual;
  }

  /** Names what shapes lists besides the model: builds, net, and the last switch of a pin. */
  get listVersion(): string {
    return `${this.sources.version}:${this.visual?.netDigest.slice(0, 12) ?? '-'}:${this.refresher.switchedThrough}`;
  }

  /** What the spine reads, as of now. */
  get parts(): ServingParts {
    const { config, log, models, pins, sources } = this;
    const current = models.choice();
    let asked: { readonly userId: string; readonly now: number; readonly past: KeptPast } | null = null;
    // A list asks twice: for the history of the user, and for what is left out.
    const pastOf = (userId: string, now: number): KeptPast => {
      if (asked?.userId !== userId || asked.now !== now) asked = { userId, now, past: this.pasts.of(userId) };
      return asked.past;
    };
    const elsewhere = (userId: string): readonly PastAction[] => {
      const actions = this.hot.actions?.of(userId) ?? NOWHERE_ELSE;
      // The same one each time: by it a history is known again.
      return actions.length === 0 ? NOWHERE_ELSE : actions;
    };
    const hiddenBy = (userId: string, now: number): ReadonlySet<number> =>
      hiddenSet(hiddenPins(pastOf(userId, now), now, elsewhere(userId)));
    return {
      pins,
      visual: this.visual,
      vectors: sources.vectors.sets,
      sources: sources.all,
      degraded: this.degraded,
      engagement: log.pairs,
      ranker: (name, unit, surface) => (name === null ? current(unit, surface) : models.named(name, unit, surface)),
      historyOf: (userId, now, grades) => this.historyOf(pastOf(userId, now), elsewhere(userId), now, grades),
      seenBy: (userId, now) => seenPins(pastOf(userId, now), pins.count, { before: now, elsewhere: elsewhere(userId) }),
      hiddenBy,
      impressionsOf: (pinIndexes) => log.pairs.impressionsOf(pinIndexes),
      fallBack: (name, reason) => models.fallBack(name, reason),
      limits: {
        sourceShares: this.sourceShares,
        candidates: config.candidateLimit,
        shuffledShare: config.shuffledShare,
        unservedRows: config.unservedRows,
      },
    };
  }

  /** What a user did, here and (as far as it was brought) in other processes, newest first. */
  pastOf(userId: string, options: Pick<PastOptions, 'limit' | 'before'> = {}): readonly PastAction[] {
    return pastActions(this.pasts.of(userId), { ...options, elsewhere: this.hot.actions?.of(userId) });
  }

  /** What a user has hidden, here and in other processes, up to a moment, and not taken back. */
  hiddenOf(userId: string, now: number): readonly HiddenPin[] {
    return hiddenPins(this.pasts.of(userId), now, this.hot.actions?.of(userId));
  }

  /** Worked out again when the person did something, or a pin or picture changed: what is newer than `now` is not kept. */
  private historyOf(past: KeptPast, elsewhere: readonly PastAction[], now: number, grades: Grades | undefined): WeightedPins {
    const { pins, visual, looks } = this;
    const of = [past.hides(now), elsewhere, grades, pins.version, visual, looks.version];
    const known = past.history;
    if (known && known.newest < now && known.of.every((value, i) => value === of[i])) return known.pins;
    const hidden = hiddenSet(hiddenPins(past, now, elsewhere));
    const history = weighedHistory(pastActions(past, { before: now, elsewhere }), pins, hidden, grades && strengthOf(grades));
    const newest = Math.max(past.newest, ...elsewhere.map(({ at }) => at));
    if (newest < now) past.history = { of, newest, pins: history };
    return history;
  }

  /** Settles when the list is durable; in a reading thread when it was handed on. */
  appendList(list: ServedList): Promise<void> {
    return this.options.sendList ? this.options.sendList(list) : this.log.lists.append(list);
  }

  /** The inference threads of this process, started when first needed. */
  get inference(): InferencePool {
    return (this.inferencePool ??= openPool(this.config, { workers: this.config.inferenceWorkers }));
  }

  /** What visual search reads; made when first asked, because it starts the inference threads. */
  get search(): SearchState {
    const { config, dataFolder, catalog, pins, log, looks, webImages, sources } = this;
    const given = { config, dataFolder, catalog, pins, crops: log.crops, looks, vectors: sources.vectors, webImages };
    this.searchState ??= new SearchState({ ...given, pool: this.inference });
    return this.searchState;
  }

  /** The jobs that run by themselves; a server starts it. */
  get jobs(): Scheduler {
    this.scheduler ??= new Scheduler(this.dataFolder, openJobRuns(this.dataFolder));
    return this.scheduler;
  }

  /** The objects of a pin's picture; null when no detector has seen it. */
  objectsOf(pinIndex: number): PinObjects | null {
    return this.looks.objectsOf(pinIndex);
  }

  /** What was refused at the last refresh and is served in an earlier version, or not at all. */
  get degraded(): readonly Degradation[] {
    const { problem } = this.models;
    const refused = [...this.looks.degraded, ...this.sources.degraded, ...this.hot.degraded()];
    return problem === null ? refused : [...refused, { code: 'RANKER_MODEL_REFUSED', reason: problem }];
  }

  /** The arms of running experiments for a query of a user or session, and the treatment they add up to. */
  decide(units: Units, query: { readonly surface: string; readonly pinIndex: number }, now: number): Decision {
    const { active } = this.experiments;
    const facts = active.current(now).length === 0 ? NO_FACTS : queryFacts(this.pins, this.visual, query);
    return active.decide(units, facts, now);
  }

  /** Brings in every change now: rows that were written just before are served when this settles. */
  refresh(): Promise<void> {
    return this.refresher.now();
  }

  async close(): Promise<void> {
    await this.refresher.close();
    await this.scheduler?.close();
    await this.darkReading.close();
    await this.darkNetReading.close();
    this.darkNet.close();
    await this.freshImages.close();
    this.searchState?.close();
    await this.inferencePool?.close();
    await this.hot.close();
    await this.checkpointer?.close();
    // Records of the last replies are queued right behind them.
    await new Promise((done) => setImmediate(done));
    this.sources.close();
    this.looks.close();
    this.marks.close();
    this.experiments.close();
    this.log.close();
    this.catalog.close();
    this.lock?.release();
  }
}

const NOWHERE_ELSE: readonly PastAction[] = [];
const NONE_HIDDEN: ReadonlySet<number> = new Set();

function hiddenSet(hidden: readonly HiddenPin[]): ReadonlySet<number> {
  return hidden.length === 0 ? NONE_HIDDEN : new Set(hidden.map(({ pinIndex }) => pinIndex));
}

/** Opens the context of a data folder with all that is there. */
export async function openContext(config: Config, dataFolder: string, options: ContextOptions = {}): Promise<Context> {
  const context = new Context(config, dataFolder, options);
  await context.refresh();
  if (options.follow) context.refresher.follow();
  return context;
}
