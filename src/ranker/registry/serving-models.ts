/**
 * The models a running server holds: the serving one, a canary, one in the dark, and those that treatments ask for by name.
 * `refresh` reads a changed pointer; when the new file is bad the old model stays and the problem is reported.
 */
import type { Surface } from '../../catalog/log/served-list.ts';
import { mixedSeed, SERVING_STREAMS } from '../../math/random.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { AS_RETRIEVED, asRetrieved } from '../measures/baselines.ts';
import { linearRanker } from '../scoring/linear-model.ts';
import { type ModelRegistry, type ModelRoles, OTHER_SURFACES, type Trial } from './model-registry.ts';
import { STARTER, starterModel } from './starter-model.ts';
import { openOnnxRanker } from '../scoring/onnx-ranker.ts';
import type { Ranker } from '../scoring/ranker.ts';
import { readUsableModel } from '../scoring/usable-model.ts';

/** A model that is tried, loaded. */
export interface RankerOnTrial {
  readonly ranker: Ranker;
  readonly share: number;
}

/** What became of a refresh. `problem`: a pointer names a model that cannot be used; the one before keeps its part. */
interface ModelRefresh {
  readonly changed: boolean;
  readonly serving: string;
  readonly problem: string | null;
}

/** Models that are loaded for a net's features, and not yet serving. */
interface PreparedModels {
  readonly stamp: string;
  readonly serving: Ranker;
  readonly others: ReadonlyMap<Surface, Ranker>;
  readonly canary: RankerOnTrial | null;
  readonly dark: RankerOnTrial | null;
  readonly problem: string | null;
  readonly darkProblem: string | null;
}

/** Serves the starter until the first `refresh`; what was loaded once stays in memory. */
export class ServingModels {
  private readonly registry: ModelRegistry;
  private readonly netDigest: () => string | null;
  private readonly known = new Map<string, Ranker>();
  private serving: Ranker = starterOr(asRetrieved);
  /** The model that served before the present one. */
  private servedBefore: Ranker | null = null;
  private readonly broken = new Map<string, string>();
  private readonly starter: Ranker = this.serving;
  private others: ReadonlyMap<Surface, Ranker> = new Map();
  private canary: RankerOnTrial | null = null;
  private darkRanker: RankerOnTrial | null = null;
  private stamp: string | null = null;
  private lastProblem: string | null = null;
  private lastDarkProblem: string | null = null;

  /** `netDigest`: the net whose features are served now; models trained on others are refused. */
  constructor(registry: ModelRegistry, netDigest: () => string | null = () => null) {
    this.registry = registry;
    this.netDigest = netDigest;
  }

  /** The promoted model; a canary's share is not looked at. */
  current(): Ranker {
    return this.serving;
  }

  /** Why the last refresh could not take a model up for serving; null when all is well. */
  get problem(): string | null {
    return this.lastProblem;
  }

  /** Why the model that should read in the dark cannot: nobody who is served needs to know. */
  get darkProblem(): string | null {
    return this.lastDarkProblem;
  }

  /** The model whose scores are logged beside the serving one's, and on which share of lists; null without one. */
  dark(): RankerOnTrial | null {
    return this.darkRanker;
  }

  /** The serving model, or for the canary's share of units the canary. The same unit always gets the same one. */
  currentFor(unit: string | null, surface: Surface = 'closeup'): Ranker {
    return this.choice()(unit, surface);
  }

  /** `currentFor` as it is now: what a list began with it ends with, whatever is promoted meanwhile. */
  choice(): (unit: string | null, surface: Surface) => Ranker {
    const { serving: main, canary, others, starter } = this;
    return (unit, surface) => {
      const serving = others.get(surface) ?? (orders(main, surface) ? main : starter);
      if (!canary || unit === null || !orders(canary.ranker, surface)) return serving;
      const fraction = (mixedSeed(SERVING_STREAMS.canary, `${canary.ranker.name} ${unit}`) >>> 0) / 2 ** 32;
      return fraction < canary.share ? canary.ranker : serving;
    };
  }

  /**
   * The serving model could not score a list: the one before it serves from now on, and `problem` says so until the pointer
   * names another. Returns the model that serves.
   */
  fallBack(name: string, reason: string): Ranker {
    if (name !== this.serving.name || name === AS_RETRIEVED) return this.serving;
    this.broken.set(name, reason);
    const before = this.servedBefore;
    this.serving = before !== null && !this.broken.has(before.name) && before.name !== name ? before : starterOr(asRetrieved);
    if (this.serving.name === name) this.serving = asRetrieved;
    this.lastProblem = `the model ${name} broke in service (${reason}); ${this.serving.name} serves`;
    return this.serving;
  }

  /** A model by name, null for the serving one. Throws RANKER_MODEL_UNKNOWN or RANKER_MODEL_REFUSED. */
  async byName(name: string | null): Promise<Ranker> {
    return name === null ? this.serving : this.load(name, this.netDigest());
  }

  /** A model by name for the lists of a surface: where it was made for another one, what serves there. Throws as `byName`. */
  async named(name: string, unit: string | null, surface: Surface): Promise<Ranker> {
    const ranker = await this.byName(name);
    return orders(ranker, surface) ? ranker : this.currentFor(unit, surface);
  }

  /** A model for the features of a net that does not serve. Throws RANKER_MODEL_UNKNOWN or RANKER_MODEL_REFUSED. */
  forNet(name: string, netDigest: string): Promise<Ranker> {
    return this.load(name, netDigest);
  }

  /** Looks at the pointers and loads what changed; call it a few times a second. */
  async refresh(): Promise<ModelRefresh> {
    const digest = this.netDigest();
    if (this.stampOf(digest) === this.stamp) return { changed: false, serving: this.serving.name, problem: this.lastProblem };
    const before = this.serving.name;
    this.take(await this.prepare(digest));
    return { changed: before !== this.serving.name, serving: this.serving.name, problem: this.lastProblem };
  }

  /** The models of today's pointers as they go with the features of a net; one trained on another net's is refused. */
  async prepare(netDigest: string | null): Promise<PreparedModels> {
    const stamp = this.stampOf(netDigest);
    const roles: ModelRoles = this.registry.roles();
    const problems: string[] = [];
    const attempt = async (name: string): Promise<Ranker | null> => {
      try {
        return await this.load(name, netDigest);
      } catch (error) {
        problems.push(reasonOf(error));
        return null;
      }
    };
    const onTrial = async (trial: Trial | null): Promise<RankerOnTrial | null> => {
      const ranker = trial && (await attempt(trial.model));
      return trial && ranker ? { ranker, share: trial.share } : null;
    };
    const fallback = suits(this.serving, netDigest) ? this.serving : ((await attempt(STARTER)) ?? asRetrieved);
    const serving = (await attempt(roles.serving)) ?? fallback;
    const others = new Map<Surface, Ranker>();
    for (const surface of OTHER_SURFACES) {
      const own = roles.servingOn[surface];
      const ranker = own === null ? null : await attempt(own);
      if (ranker) others.set(surface, ranker);
    }
    const canary = await onTrial(roles.canary);
    const problem = problems.length > 0 ? problems.splice(0).join('; ') : null;
    const dark = await onTrial(roles.dark);
    return { stamp, serving, others, canary, dark, problem, darkProblem: problems[0] ?? null };
  }

  /** What was prepared serves from now on. */
  take({ stamp, serving, others, canary, dark, problem, darkProblem }: PreparedModels): void {
    this.stamp = stamp;
    if (serving.name !== this.serving.name) this.servedBefore = this.serving;
    this.serving = serving;
    this.others = others;
    this.canary = canary;
    this.darkRanker = dark;
    this.lastProblem = problem;
    this.lastDarkProblem = darkProblem;
  }

  private stampOf(netDigest: string | null): string {
    return `${this.registry.rolesStamp()} ${netDigest}`;
  }

  private async load(name: string, served: string | null): Promise<Ranker> {
    if (name === AS_RETRIEVED) return asRetrieved;
    const broke = this.broken.get(name);
    if (broke !== undefined) throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason: `it broke in service: ${broke}` });
    const ranker = this.known.get(name) ?? (await loadRanker(this.registry, name));
    if (!suits(ranker, served)) {
      const reason = `it was trained on features of the net ${ranker.netDigest}, those served are of ${served}`;
      throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason });
    }
    this.known.set(name, ranker);
    return ranker;
  }
}

/** Whether a model may order lists of a surface. */
function orders({ surface }: Ranker, wanted: Surface): boolean {
  return surface === undefined || surface === wanted;
}

/** The starter; where its file is damaged, which the first refresh reports, another one. */
function starterOr(other: Ranker): Ranker {
  try {
    return linearRanker(STARTER, starterModel().features);
  } catch {
    return other;
  }
}

/** Whether a model may score features of a net: it was trained on them, or on none. */
export function suits(ranker: Ranker, netDigest: string | null): boolean {
  return ranker.netDigest === null || netDigest === null || ranker.netDigest === netDigest;
}

/** Opens a stored model as a ranker over the feature table; refuses features that the table does not have. */
export async function loadRanker(registry: ModelRegistry, name: string): Promise<Ranker> {
  if (name === AS_RETRIEVED) return asRetrieved;
  const model = readUsableModel(registry, name);
  const { netDigest } = model.lineage;
  const surface = model.surface === undefined ? {} : { surface: model.surface };
  if (model.kind === 'linear') return Object.assign(linearRanker(name, model.features, netDigest), surface);
  const names = model.features.map((feature) => feature.name);
  return openOnnxRanker(name, registry.onnxPathOf(name), names, model.onnxDigest ?? '', netDigest);
}
