/** The running experiments, compiled for serving; recompiled when anybody changed one. */
import type { TreatmentPart } from '../treatment.ts';
import type { AssignmentPlan, QueryFacts } from './assignment.ts';
import { INTERLEAVED, NO_UNIT, assign, isEligible, planOf } from './assignment.ts';
import type { NameUser } from '../catalog/pins/user-pseudonym.ts';
import type { ExperimentStore } from './experiment-store.ts';

interface ActiveArm {
  readonly experiment: string;
  /** NO_UNIT: the request named no unit of this experiment's kind. */
  readonly arm: string;
  /** Put there by hand: serve it, keep it out of the counts. */
  readonly forced: boolean;
}

/** Who asks, as far as the request says. */
export interface Units {
  readonly userId: string | null;
  readonly sessionId: string | null;
}

/** A model that an arm names and nobody has: the control's treatment serves instead. */
interface MissingModel {
  readonly experiment: string;
  readonly arm: string;
  readonly model: string;
}

/** What the running experiments make of one request. */
export interface Decision {
  readonly arms: readonly ActiveArm[];
  /** The arms' treatments laid over each other, in order of experiment key; {} outside experiments. */
  readonly treatment: TreatmentPart;
  readonly missingModels: readonly MissingModel[];
  /** The arms that share the page, with all that the unit has of other experiments; null: one list. */
  readonly interleave: readonly { readonly key: string; readonly treatment: TreatmentPart }[] | null;
}

const OUTSIDE: Decision = { arms: [], treatment: {}, missingModels: [], interleave: null };

/** Milliseconds between looks for changes. */
const REFRESH_MS = 1000;

/**
 * Looks for changes once a second at most. `holdout`: share of units kept out of every experiment; `hasModel`: whether a
 * model that an arm names can still be served.
 */
export class ActiveExperiments {
  private readonly store: ExperimentStore;
  private readonly nameUser: NameUser;
  private readonly holdout: number;
  private readonly hasModel: (name: string) => boolean;
  private plans: readonly AssignmentPlan[] = [];
  /** Models that arms name and that are gone, as of the last look. */
  private gone: ReadonlySet<string> = new Set();
  private seen = -1;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(store: ExperimentStore, holdout: number, hasModel: (name: string) => boolean = () => true) {
    this.store = store;
    this.nameUser = store.nameUser;
    this.holdout = holdout;
    this.hasModel = hasModel;
  }

  /** The arms of a request's units for a query they meet now. */
  decide(units: Units, query: QueryFacts, now: number): Decision {
    this.refresh(now);
    if (this.plans.length === 0) return OUTSIDE;
    const arms: ActiveArm[] = [];
    const missingModels: MissingModel[] = [];
    let treatment: TreatmentPart = {};
    let shared: AssignmentPlan | null = null;
    for (const plan of this.plans) {
      if (!isEligible(plan.eligibility, query)) continue;
      const unitId = plan.unit === 'session' ? units.sessionId : units.userId;
      if (unitId === null) {
        arms.push({ experiment: plan.key, arm: NO_UNIT, forced: false });
        continue;
      }
      const { arm, forced } = assign(plan, unitId, this.nameUser);
      if (arm === null) continue;
      if (plan.interleaved && !forced) {
        // Two experiments cannot share one page; the first by key has it.
        if (shared !== null || query.surface !== 'closeup') continue;
        shared = plan;
        arms.push({ experiment: plan.key, arm: INTERLEAVED, forced: false });
        continue;
      }
      arms.push({ experiment: plan.key, arm, forced });
      treatment = { ...treatment, ...this.treatmentOf(plan, arm, missingModels) };
    }
    if (arms.length === 0) return OUTSIDE;
    const base = treatment;
    const interleave = shared?.armKeys.map((key) => ({
      key,
      treatment: { ...base, ...this.treatmentOf(shared, key, missingModels) },
    }));
    return { arms, treatment: interleave?.[0].treatment ?? treatment, missingModels, interleave: interleave ?? null };
  }

  /** The plans in force. */
  current(now: number): readonly AssignmentPlan[] {
    this.refresh(now);
    return this.plans;
  }

  /** An arm whose model is gone gets the control's treatment; the control's own falls back to the promoted model. */
  private treatmentOf(plan: AssignmentPlan, arm: string, missing: MissingModel[]): TreatmentPart {
    const own = plan.treatments[plan.armKeys.indexOf(arm)];
    if (!this.isGone(own)) return own;
    missing.push({ experiment: plan.key, arm, model: own.model ?? '' });
    const [control] = plan.treatments;
    return this.isGone(control) ? { ...control, model: null } : control;
  }

  private isGone({ model }: TreatmentPart): boolean {
    return typeof model === 'string' && this.gone.has(model);
  }

  private refresh(now: number): void {
    if (now - this.lookedAt < REFRESH_MS && now >= this.lookedAt) return;
    this.lookedAt = now;
    const changes = this.store.changeCount();
    if (changes !== this.seen) {
      this.seen = changes;
      const running = [...this.store.running()].sort((a, b) => (a.key < b.key ? -1 : 1));
      this.plans = running.map((each) => planOf(each.definition, this.holdout));
    }
    const named = this.plans.flatMap((plan) => plan.treatments.map(({ model }) => model));
    this.gone = new Set(named.filter((name): name is string => typeof name === 'string' && !this.hasModel(name)));
  }
}
