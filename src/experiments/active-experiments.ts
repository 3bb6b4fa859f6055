/** The running experiments, compiled for serving; recompiled when anybody changed one. */
import type { ArmTreatment } from './experiment.ts';
import type { AssignmentPlan, QueryFacts } from './assignment.ts';
import { assign, isEligible, planOf } from './assignment.ts';
import type { ExperimentStore } from './experiment-store.ts';

export interface ActiveArm {
  readonly experiment: string;
  readonly arm: string;
  /** Put there by hand: serve it, keep it out of the counts. */
  readonly forced: boolean;
}

export interface Decision {
  readonly arms: readonly ActiveArm[];
  /** The arms' treatments laid over each other, in order of experiment key; {} outside experiments. */
  readonly treatment: ArmTreatment;
}

const OUTSIDE: Decision = { arms: [], treatment: {} };

/** Milliseconds between looks for changes. */
const REFRESH_MS = 1000;

export class ActiveExperiments {
  private readonly store: ExperimentStore;
  private readonly holdout: number;
  private plans: readonly AssignmentPlan[] = [];
  private seen = -1;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(store: ExperimentStore, holdout: number) {
    this.store = store;
    this.holdout = holdout;
  }

  /** The arms of a unit for a query it meets now. */
  decide(unitId: string | null, query: QueryFacts, now: number): Decision {
    this.refresh(now);
    if (unitId === null || this.plans.length === 0) return OUTSIDE;
    const arms: ActiveArm[] = [];
    let treatment: ArmTreatment = {};
    for (const plan of this.plans) {
      if (!isEligible(plan.eligibility, query)) continue;
      const { arm, forced } = assign(plan, unitId);
      if (arm === null) continue;
      arms.push({ experiment: plan.key, arm, forced });
      treatment = { ...treatment, ...plan.treatments[plan.armKeys.indexOf(arm)] };
    }
    return arms.length === 0 ? OUTSIDE : { arms, treatment };
  }

  /** The plans in force. */
  current(now: number): readonly AssignmentPlan[] {
    this.refresh(now);
    return this.plans;
  }

  private refresh(now: number): void {
    if (now - this.lookedAt < REFRESH_MS && now >= this.lookedAt) return;
    this.lookedAt = now;
    const changes = this.store.changeCount();
    if (changes === this.seen) return;
    this.seen = changes;
    const running = [...this.store.running()].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.plans = running.map((each) => planOf(each.definition, this.holdout));
  }
}
