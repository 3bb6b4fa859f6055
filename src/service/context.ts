/**
 * Opens everything a process of the service needs, in order, and closes it in reverse. `refresh` takes up what changed
 * on disk (artifacts, models, catalogue rows of other processes) without a restart; it runs several times a second.
 */
import { join } from 'node:path';
import { WORK_WHILE_WAITING } from '../candidates/cooccurrence/fresh-cooccurrence.ts';
import { type CatalogStore, openCatalog } from '../catalog/pins/catalog-store.ts';
import { FieldColumns } from '../catalog/pins/field-columns.ts';
import { PinFieldStore } from '../catalog/pins/pin-field-store.ts';
import { Checkpointer } from '../catalog/log/checkpointer.ts';
import { type Database, openDatabase } from '../catalog/database.ts';
import { type DataFolderLock, lockDataFolder } from '../catalog/artifacts/data-folder-lock.ts';
import { type LogDatabase, openLog } from '../catalog/log/log-database.ts';
import { type ResidentPinColumns, siteCategories } from '../catalog/pins/pin-columns.ts';
import { residentPins } from '../catalog/pins/pin-snapshot.ts';
import type { ServedList } from '../catalog/log/served-list.ts';
import type { Config } from '../config.ts';
import { reasonOf } from '../errors.ts';
import { openJobRuns } from '../schedule/job-run-store.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import { openDarkReads } from '../ranker/registry/dark-read-store.ts';
import { relatedPins } from '../related-pins.ts';
import { DarkNet } from './dark-net.ts';
import { DarkReading, modelReader } from './dark-reading.ts';
import { ActiveExperiments, type Decision, type Units } from '../experiments/active-experiments.ts';
import { ExperimentStore } from '../experiments/experiment-store.ts';
import type { PinObjects } from '../detection/pin-objects.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import { ModelRegistry } from '../ranker/registry/model-registry.ts';
import { ServingModels } from '../ranker/registry/serving-models.ts';
import { CandidateSources } from './candidate-sources.ts';
import { InferencePool } from '../vision/inference-pool.ts';
import { sourceShares } from '../lists/propose.ts';
import type { Degradation, ServingParts, SourceShares } from '../lists/serving-parts.ts';
import { NO_FACTS, queryFacts } from './query-facts.ts';
import { type HotState, openHotState } from './hot-state.ts';
import { keepFormerNet } from './eyes.ts';
import { forgetRemoved } from './forget-removed.ts';
import { FreshImages } from './fresh-images.ts';
import { secretsOf, userNaming } from '../catalog/pins/user-pseudonym.ts';
import { WebImages } from './web-images.ts';
import { SearchState } from './search-state.ts';
import { VisualState } from './visual-state.ts';
import { type PastAction, type PastOptions, pastActions, seenPins, weighedHistory } from './user-past.ts';

/** Milliseconds between looks for changes. */
const REFRESH_MS = 250;
/** The same while an import is being taken up: about a quarter of the time goes into it, requests have the rest. */
const BEHIND_MS = 30;
/** Time of one look that goes into pins, and again into saves, that an import brought. */
const TAKE_UP_MS = 8;
/** Longest wait of an upsert for its rows to be taken up. */
const SOON_MS = 1000;
/** Pages of a database that a serving process holds besides its columns; the system's own cache has the rest. */
const SERVING_CACHE_KIB = 8192;
/** Milliseconds between looks for what was taken away more than a day ago. */
const FORGET_MS = 600_000;
/** Time of one look that goes into rolling up events. */
const ROLL_UP_MS = 10;

export interface ContextOptions {
  /** Take the data folder for this process alone: whoever writes the log. */
  readonly lock?: boolean;
  /** Keep looking for changes until closed. */
  readonly follow?: boolean;
  /** Where served lists go when another process writes the log. */
  readonly sendList?: (list: ServedList) => Promise<void>;
  /** Told once per change: which model serves, what was refused. */
  /** Where catalogue and candidate lists lie, when not in the data folder (a catalogue with saves held out). */
  readonly catalogFolder?: string;
  readonly onChange?: (change: ContextChange) => void;
}

export interface ContextChange {
  readonly model: string;
  readonly problem: string | null;
}

export class Context {
  readonly config: Config;
  readonly dataFolder: string;
  readonly catalog: CatalogStore;
  readonly pins: ResidentPinColumns;
  /** What lists show of pins, and what requests filter by. */
  readonly fields: PinFieldStore;
  readonly fieldColumns: FieldColumns;
  readonly log: LogDatabase;
  readonly registry: ModelRegistry;
  readonly models: ServingModels;
  /** What the model in the dark makes of the lists that were served. */
  readonly darkReading: DarkReading;
  /** A net beside the serving one, and what it makes of the lists that were served. */
  readonly darkNet: DarkNet;
  readonly darkNetReading: DarkReading;
  readonly sources: CandidateSources;
  /** Experiments and the exposures counted for them. */
  readonly experimentDatabase: Database;
  readonly experimentStore: ExperimentStore;
  readonly experiments: ActiveExperiments;
  private readonly sourceShares: SourceShares;
  private readonly options: ContextOptions;
  private readonly lock: DataFolderLock | null;
  readonly looks: VisualState;
  private closed = false;
  /** A shortcut of the start that was refused and done without; lists lack nothing by it. */
  startProblem: string | null = null;
  private forgetAt = performance.now() + FORGET_MS;
  /** Pins switched up to this change are taken over; what was kept for a moment before is not served after that. */
  private switchedThrough: number;
  /** Set when the process was asked to end: it is no longer ready. */
  stopping = false;
  /** The cache, and what is shared with other processes. */
  readonly hot: HotState;
  /** Waits for the disk in place of the serving thread. */
  readonly checkpointer: Checkpointer | null;
  /** Pictures of pins and of requests that lie elsewhere. */
  readonly webImages: WebImages;
  private readonly freshImages: FreshImages;
  private inferencePool: InferencePool | null = null;
  private searchState: SearchState | null = null;
  private scheduler: Scheduler | null = null;
  private timer: NodeJS.Timeout | null = null;
  private refreshing: Promise<void> | null = null;
  private catchingUp: Promise<void> | null = null;
  private readonly changedPins = new Set<number>();
  private longestTakeUpMs = 0;

  constructor(config: Config, dataFolder: string, options: ContextOptions) {
    this.config = config;
    this.dataFolder = dataFolder;
    this.options = options;
    this.sourceShares = sourceShares(config.sources);
    const { synchronous } = config;
    const userKey = secretsOf(config);
    this.lock = options.lock ? lockDataFolder(dataFolder) : null;
    const { catalogFolder = dataFolder } = options;
    const cacheKib = options.follow ? SERVING_CACHE_KIB : undefined;
    this.catalog = openCatalog(catalogFolder, { synchronous, userKey, cacheKib });
    this.pins = residentPins(catalogFolder, this.catalog, siteCategories(config.categories), (reason) => {
      this.startProblem = reason;
    });
    this.fields = new PinFieldStore(this.catalog.database);
    this.fieldColumns = new FieldColumns(this.catalog);
    this.switchedThrough = this.catalog.removals.lastSwitch(this.pins.sequence);
    this.log = openLog(dataFolder, { synchronous, userKey, groupCommitMs: config.groupCommitMs });
    keepFormerNet(dataFolder, { synchronous });
    this.looks = new VisualState(config, dataFolder, { synchronous, cacheKib });
    this.registry = new ModelRegistry(join(dataFolder, 'models'));
    this.models = new ServingModels(this.registry, () => this.visual?.netDigest ?? null);
    this.darkReading = new DarkReading(
      () => modelReader(this.models.dark()),
      () => openDarkReads(dataFolder),
    );
    this.darkNet = new DarkNet({
      dataFolder,
      artifacts: join(catalogFolder, 'artifacts'),
      classScoreBytes: config.classScoreBytes,
      store: this.looks.store,
      models: this.models,
      parts: () => this.parts,
      serve: relatedPins,
    });
    this.darkNetReading = new DarkReading(
      () => this.darkNet.reader(),
      () => openDarkReads(dataFolder),
      'nets',
    );
    this.sources = new CandidateSources(
      join(catalogFolder, 'artifacts'),
      this.catalog,
      this.pins,
      this.log.pairs,
      options.follow ? WORK_WHILE_WAITING : undefined,
    );
    this.experimentDatabase = openDatabase(join(dataFolder, 'experiments.sqlite'), { synchronous });
    this.experimentStore = new ExperimentStore(this.experimentDatabase, userNaming(userKey));
    this.experiments = new ActiveExperiments(this.experimentStore, config.experimentHoldout, (name) => this.registry.has(name));
    const { catalog, pins, looks, sources } = this;
    this.webImages = new WebImages(config, dataFolder);
    this.checkpointer = options.follow && options.lock ? new Checkpointer(this.log.database) : null;
    this.hot = openHotState(config, pins, options.follow === true && options.lock === true);
    this.freshImages = new FreshImages({ config, dataFolder, catalog, pins, looks, sources, pool: () => this.inference });
  }

  /** Visual features of the active net; null before the first extraction. */
  get visual(): VisualFeatures | null {
    return this.looks.visual;
  }

  /** Names what shapes lists besides the model: builds, net, and the last switch of a pin. */
  get listVersion(): string {
    return `${this.sources.version}:${this.visual?.netDigest.slice(0, 12) ?? '-'}:${this.switchedThrough}`;
  }

  /** What the spine reads, as of now. */
  get parts(): ServingParts {
    const { config, catalog, log, models, pins, sources } = this;
    const current = models.choice();
    return {
      pins,
      visual: this.visual,
      sources: sources.all,
      degraded: this.degraded,
      engagement: log.pairs,
      ranker: (name, unit, surface) => (name === null ? current(unit, surface) : models.named(name, unit, surface)),
      historyOf: (userId, now) => weighedHistory(this.pastOf(userId, { before: now }), pins),
      seenBy: (userId, now) => seenPins(catalog, log, userId, { before: now, elsewhere: this.hot.actions?.of(userId) }),
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
    return pastActions(this.catalog, this.log, userId, { ...options, elsewhere: this.hot.actions?.of(userId) });
  }

  /** Settles when the list is durable; in a reading process when it was handed on. */
  appendList(list: ServedList): Promise<void> {
    return this.options.sendList ? this.options.sendList(list) : this.log.lists.append(list);
  }

  /** The inference threads of this process, started when first needed. */
  get inference(): InferencePool {
    const { inferenceWorkers, inferenceThreads, inferenceBatch, executionProvider, uploadLimitBytes, imagePixelLimit } = this.config;
    this.inferencePool ??= new InferencePool({
      workers: inferenceWorkers,
      threads: inferenceThreads || undefined,
      batch: inferenceBatch || undefined,
      provider: executionProvider,
      limits: { bytes: uploadLimitBytes, pixels: imagePixelLimit },
    });
    return this.inferencePool;
  }

  /** What visual search reads; made when first asked, because it starts the inference threads. */
  get search(): SearchState {
    const { config, dataFolder, catalog, pins, log, looks, webImages } = this;
    this.searchState ??= new SearchState({ config, dataFolder, catalog, pins, crops: log.crops, looks, webImages, pool: this.inference });
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

  /** What was refused at the last look and is served in an earlier version, or not at all. */
  get degraded(): readonly Degradation[] {
    const { problem } = this.models;
    const refused = [...this.looks.degraded, ...this.sources.degraded, ...this.hot.degraded()];
    return problem === null ? refused : [...refused, { code: 'RANKER_MODEL_REFUSED', reason: problem }];
  }

  /** The arms of running experiments for a query of a user or session, and the treatment they add up to. */
  decide(units: Units, query: { readonly surface: string; readonly pinIndex: number }, now: number): Decision {
    if (this.experiments.current(now).length === 0) return this.experiments.decide(units, NO_FACTS, now);
    return this.experiments.decide(units, queryFacts(this.pins, this.visual, query), now);
  }

  /** Takes up every change now: rows that were written just before are served when this settles. */
  refresh(): Promise<void> {
    this.takeUpRows(Number.POSITIVE_INFINITY);
    return this.shareLook(Number.POSITIVE_INFINITY);
  }

  /**
   * Takes up what was just written, a piece at a time so that requests are answered in between. Beside a large import this
   * gives up after a moment: the rows are written, and served as soon as those before them are taken up.
   */
  async takeUpSoon(): Promise<void> {
    this.takeUpRows(TAKE_UP_MS);
    this.catchingUp ??= this.catchUpSoon().finally(() => {
      this.catchingUp = null;
    });
    await this.catchingUp;
    await this.shareLook(TAKE_UP_MS);
  }

  /** One for all upserts that wait: a piece for each of them in every turn would leave nothing for the others. */
  private async catchUpSoon(): Promise<void> {
    const until = performance.now() + SOON_MS;
    while ((this.pins.isBehind || this.sources.isBehind) && performance.now() < until) {
      await new Promise((later) => setTimeout(later, TAKE_UP_MS));
      this.takeUpRows(TAKE_UP_MS);
    }
  }

  /** Calls that overlap share one look. */
  private shareLook(budgetMs: number): Promise<void> {
    this.refreshing ??= this.look(budgetMs).finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /** Candidates follow when all pins are here: a list names no pin that nobody knows. */
  private takeUpRows(budgetMs: number): void {
    const startedAt = performance.now();
    this.takeUp(budgetMs);
    this.longestTakeUpMs = Math.max(this.longestTakeUpMs, performance.now() - startedAt);
  }

  /** The longest time in milliseconds that taking up changes has taken since the last call. */
  takeLongestTakeUp(): number {
    const longest = this.longestTakeUpMs;
    this.longestTakeUpMs = 0;
    return longest;
  }

  /**
   * Takes over pins that were taken away, came back, or were put on sale or off it, in this process or another: asked before
   * every reply, because a look comes only four times a second. `own`: this process has just written some itself.
   */
  takeUpSwitches(own = false): void {
    if (!this.catalog.removals.writtenElsewhere() && !own) return;
    this.sources.takeOutSaves();
    const { pins: switched, sequence } = this.catalog.removals.switchesSince(this.switchedThrough);
    if (switched.length === 0) return;
    this.switchedThrough = sequence;
    this.pins.takeOverNow(switched);
    this.fieldColumns.refresh(switched);
  }

  private takeUp(budgetMs: number): void {
    this.takeUpSwitches(true);
    const changed = this.pins.catchUp(budgetMs);
    for (const pinIndex of changed) this.changedPins.add(pinIndex);
    this.fieldColumns.refresh(changed);
    this.looks.refresh();
    if (this.pins.isBehind) return;
    this.sources.refresh([...this.changedPins], this.visual, Date.now(), budgetMs);
    this.changedPins.clear();
  }

  /** Another net: its features, the lists made from them and the model trained on them begin to serve in the same instant. */
  private async switchNet(): Promise<void> {
    const next = this.looks.prepareSwitch();
    if (!next) return;
    const models = await this.models.prepare(next.net.digest);
    this.looks.take(next);
    this.models.take(models);
    this.sources.refresh([], this.visual, Date.now());
    this.freshImages.startOver();
    this.options.onChange?.({ model: models.serving.name, problem: models.problem });
  }

  private async look(budgetMs: number): Promise<void> {
    await this.switchNet();
    await this.darkNet.refresh();
    this.takeUpRows(budgetMs);
    if (this.options.follow && this.options.lock) this.forgetRemoved();
    // A server has requests to answer in between; a job goes on with all that was logged, so that a slow machine serves it the same lists.
    if (this.options.lock) this.log.pairs.catchUp(this.options.follow ? ROLL_UP_MS : undefined);
    else this.log.pairs.forgetIfMoved();
    if (this.options.follow && this.options.lock) this.freshImages.begin(this.tellProblem);
    const { problem, darkProblem } = this.models;
    const { changed: promoted, serving } = await this.models.refresh();
    const { models } = this;
    if (promoted || models.problem !== problem || models.darkProblem !== darkProblem) {
      this.options.onChange?.({ model: serving, problem: models.problem ?? models.darkProblem });
    }
  }

  /** Once in a while, and not while an import writes: it is tried again. */
  private forgetRemoved(): void {
    if (performance.now() < this.forgetAt) return;
    this.forgetAt = performance.now() + FORGET_MS;
    try {
      forgetRemoved(this.catalog, this.dataFolder, Date.now());
    } catch (error) {
      this.tellProblem(error);
    }
  }

  private readonly tellProblem = (error: unknown): void => {
    this.options.onChange?.({ model: this.models.current().name, problem: reasonOf(error) });
  };

  /** Settles when every picture that arrived so far was looked at. */
  async imagesSettled(): Promise<void> {
    this.freshImages.begin(this.tellProblem);
    await this.freshImages.settled();
  }

  /** Looks for changes until closed; a look that fails is told and does not end the following. */
  follow(): void {
    const again = (): void => {
      if (this.closed) return;
      const pauseMs = this.pins.isBehind || this.sources.isBehind ? BEHIND_MS : REFRESH_MS;
      this.timer = setTimeout(() => void this.shareLook(TAKE_UP_MS).catch(this.tellProblem).then(again), pauseMs).unref();
    };
    again();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.refreshing?.catch(() => undefined);
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
    this.experimentDatabase.close();
    this.log.close();
    this.catalog.close();
    this.lock?.release();
  }
}

/** Opens the context of a data folder and takes up what is there. */
export async function openContext(config: Config, dataFolder: string, options: ContextOptions = {}): Promise<Context> {
  const context = new Context(config, dataFolder, options);
  await context.refresh();
  if (options.follow) context.follow();
  return context;
}
