/**
 * Brings a process up to date with what changed on disk: rows that other processes wrote, models, nets, detectors. A look comes
 * four times a second, in pieces of a few milliseconds while an import is brought in, so that requests are answered in between.
 */
import type { DataFolderLock } from '../catalog/artifacts/data-folder-lock.ts';
import type { LogDatabase } from '../catalog/log/log-database.ts';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import type { FieldColumns } from '../catalog/pins/field-columns.ts';
import type { ResidentPinColumns } from '../catalog/pins/pin-columns.ts';
import type { PinFieldStore } from '../catalog/pins/pin-field-store.ts';
import { reasonOf } from '../errors.ts';
import type { ServingModels } from '../ranker/registry/serving-models.ts';
import type { CandidateSources } from './candidate-sources.ts';
import type { DarkNet } from './dark-net.ts';
import { forgetRemoved } from './forget-removed.ts';
import type { FreshImages } from './fresh-images.ts';
import type { VisualState } from './visual-state.ts';

/** Milliseconds between looks for changes. */
const REFRESH_MS = 250;
/** The same while an import or a flood of events is brought in: about a quarter of the time goes into it, requests have the rest. */
const BEHIND_MS = 6;
/** Time of one look that goes into pins, and again into saves, that an import brought. */
const PIECE_MS = 2;
/** Longest wait of an upsert for its rows to be served. */
const SOON_MS = 1000;
/** Milliseconds between looks for what was removed more than a day ago. */
const FORGET_MS = 600_000;
/** Time of one look that goes into rolling up events; a batch that has begun is ended. */
const ROLL_UP_MS = 1;

export interface ServiceChange {
  readonly model: string;
  readonly problem: string | null;
}

interface RefreshedParts {
  readonly dataFolder: string;
  readonly catalog: CatalogStore;
  readonly pins: ResidentPinColumns;
  readonly fields: PinFieldStore;
  readonly fieldColumns: FieldColumns;
  readonly log: LogDatabase;
  readonly looks: VisualState;
  readonly models: ServingModels;
  readonly sources: CandidateSources;
  readonly freshImages: FreshImages;
  readonly darkNet: DarkNet;
  /** Held by the process that writes; null: another one does. */
  readonly lock: DataFolderLock | null;
  /** Whether looks go on until closed: in a server, not in a job. */
  readonly follows: boolean;
  /** Called once per change of the serving model, and for what was refused. */
  readonly onChange: (change: ServiceChange) => void;
}

export class Refresher {
  private readonly parts: RefreshedParts;
  private readonly changedPins = new Set<number>();
  private switches: number;
  private forgetAt = performance.now() + FORGET_MS;
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;
  private catchingUp: Promise<void> | null = null;
  private longestMs = 0;
  private closed = false;

  constructor(parts: RefreshedParts) {
    this.parts = parts;
    this.switches = parts.catalog.removals.lastSwitch(parts.pins.sequence);
  }

  /** The last switch of a pin (removed, restored, put on sale or off it) that this process serves by. */
  get switchedThrough(): number {
    return this.switches;
  }

  /** Brings in every change now: rows that were written just before are served when this settles. */
  now(): Promise<void> {
    this.refreshRows(Number.POSITIVE_INFINITY);
    return this.look(Number.POSITIVE_INFINITY);
  }

  /**
   * Brings in what was just written, a piece at a time. Beside a large import this gives up after a second: the rows are
   * written, and served as soon as those before them are.
   */
  async soon(): Promise<void> {
    this.refreshRows(PIECE_MS);
    this.catchingUp ??= this.catchUp().finally(() => {
      this.catchingUp = null;
    });
    await this.catchingUp;
    await this.look(PIECE_MS);
  }

  /**
   * Applies switches of pins made in this process or another, and has cards of changed pins read again. Asked before every
   * reply, because a look comes only four times a second. `look`: also when nothing was written since, for switches that were
   * too many for one reply.
   */
  switched(look = false): void {
    const { catalog, sources, pins, fields, fieldColumns } = this.parts;
    if (!catalog.removals.written() && !look) return;
    fields.forgetChanged();
    sources.takeOutSaves();
    const { pins: changed, sequence } = catalog.removals.switchesSince(this.switches);
    if (changed.length === 0) return;
    this.switches = sequence;
    pins.takeOverNow(changed);
    fieldColumns.refresh(changed);
  }

  /** The longest time in milliseconds that bringing in rows has taken since the last call. */
  takeLongest(): number {
    const longest = this.longestMs;
    this.longestMs = 0;
    return longest;
  }

  /** Looks for changes until closed; a look that fails is reported and does not end the following. */
  follow(): void {
    const again = (): void => {
      if (this.closed) return;
      const { pins, sources, log } = this.parts;
      const pauseMs = pins.isBehind || sources.isBehind || log.pairs.isBehind ? BEHIND_MS : REFRESH_MS;
      this.timer = setTimeout(() => void this.look(PIECE_MS).catch(this.report).then(again), pauseMs).unref();
    };
    again();
  }

  /** Settles when every picture that arrived so far was looked at. */
  async imagesSettled(): Promise<void> {
    const { freshImages } = this.parts;
    freshImages.begin(this.report);
    await freshImages.settled();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.looking?.catch(() => undefined);
  }

  private readonly report = (error: unknown): void => {
    this.parts.onChange({ model: this.parts.models.current().name, problem: reasonOf(error) });
  };

  /** One for all upserts that wait: a piece for each of them in every turn would leave nothing for the others. */
  private async catchUp(): Promise<void> {
    const { pins, sources } = this.parts;
    const until = performance.now() + SOON_MS;
    while ((pins.isBehind || sources.isBehind) && performance.now() < until) {
      await new Promise((later) => setTimeout(later, PIECE_MS));
      this.refreshRows(PIECE_MS);
    }
  }

  /** Calls that overlap share one look. */
  private look(budgetMs: number): Promise<void> {
    this.looking ??= this.lookOnce(budgetMs).finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async lookOnce(budgetMs: number): Promise<void> {
    const { models, darkNet, log, lock, follows, freshImages, sources } = this.parts;
    await this.switchNet();
    await sources.vectors.refresh(this.nets());
    await darkNet.refresh();
    this.refreshRows(budgetMs);
    const serves = follows && lock !== null;
    if (serves) this.forgetRemoved();
    // A server has requests to answer in between; a job goes on with all that was logged, so that a slow machine serves it the same lists.
    if (lock) log.pairs.catchUp(follows ? ROLL_UP_MS : undefined);
    else log.pairs.forgetIfMoved();
    if (serves) freshImages.begin(this.report);
    const { problem, darkProblem } = models;
    const { changed: promoted, serving } = await models.refresh();
    if (promoted || models.problem !== problem || models.darkProblem !== darkProblem)
      this.parts.onChange({ model: serving, problem: models.problem ?? models.darkProblem });
  }

  /** Candidates follow when all pins are here: a list names no pin that this process does not know. */
  private refreshRows(budgetMs: number): void {
    const { pins, fieldColumns, looks, sources } = this.parts;
    const startedAt = performance.now();
    this.switched(true);
    const changed = pins.catchUp(budgetMs);
    for (const pinIndex of changed) this.changedPins.add(pinIndex);
    fieldColumns.refresh(changed);
    looks.refresh();
    if (!pins.isBehind) {
      sources.refresh([...this.changedPins], looks.visual, Date.now(), budgetMs);
      this.changedPins.clear();
    }
    this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
  }

  /** Digests of the nets that are at work. */
  private nets(): readonly string[] {
    const { looks, darkNet } = this.parts;
    return [looks.net?.digest, darkNet.digest].filter((digest) => typeof digest === 'string');
  }

  /** Another net: its features, the lists and vectors made from them and the model trained on them begin to serve in the same instant. */
  private async switchNet(): Promise<void> {
    const { looks, models, sources, freshImages, onChange } = this.parts;
    const next = looks.prepareSwitch();
    if (!next) return;
    const prepared = await models.prepare(next.net.digest);
    await sources.vectors.refresh([...this.nets(), next.net.digest]);
    looks.take(next);
    models.take(prepared);
    sources.refresh([], looks.visual, Date.now());
    freshImages.startOver();
    onChange({ model: prepared.serving.name, problem: prepared.problem });
  }

  /** Not while an import writes: it is tried again. */
  private forgetRemoved(): void {
    if (performance.now() < this.forgetAt) return;
    this.forgetAt = performance.now() + FORGET_MS;
    try {
      forgetRemoved(this.parts.catalog, this.parts.dataFolder, Date.now());
    } catch (error) {
      this.report(error);
    }
  }
}
