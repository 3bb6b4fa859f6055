/** An experiment as the pages see it: the shapes of /v1/experiments that they use. */
import type { ForestRow, Tone } from './forest-plot.tsx';

export interface Card {
  readonly key: string;
  readonly description: string;
  readonly state: string;
  readonly verdict: string;
  readonly tone: Tone;
  readonly users: number;
  readonly startedAt: number | null;
  readonly stoppedAt: number | null;
  readonly healthy: boolean;
  readonly metric: string;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Series {
  readonly arm: string;
  readonly days: readonly string[];
  readonly lift: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

export interface Arm {
  readonly arm: string;
  readonly weight: number;
  readonly users: number;
  readonly lists: number;
  readonly verdict?: string;
  readonly reason?: string;
}

export interface Report {
  readonly key: string;
  readonly state: string;
  readonly verdict: string;
  readonly reason: string;
  readonly restsOn: readonly string[];
  readonly interval: string;
  readonly arms: readonly Arm[];
  readonly table4: readonly {
    readonly features: string;
    readonly queries: string;
    readonly engagement: string;
    readonly interval: string;
    readonly users: number;
  }[];
  readonly exposuresPerDay: readonly { readonly day: string; readonly arm: string; readonly users: number }[];
  readonly power: { readonly minimumDetectableLift: number | null; readonly unitsNeeded: number | null };
  readonly novelty: readonly {
    readonly arm: string;
    readonly daysSinceFirst: number;
    readonly users: number;
    readonly lift: number | null;
    readonly low: number | null;
    readonly high: number | null;
  }[];
}

export interface Definition {
  readonly key: string;
  readonly description: string;
  readonly unit: string;
  readonly traffic: number;
  readonly layer: { readonly name: string; readonly slots: readonly [number, number] };
  readonly arms: readonly { readonly key: string; readonly weight: number; readonly treatment: unknown }[];
  readonly metrics: readonly string[];
  readonly counterfactualShare: number;
}

export interface View {
  readonly card: Card;
  readonly definition: Definition;
  readonly version: number;
  readonly report: Report;
  readonly headline: readonly ForestRow[];
  readonly segments: readonly ForestRow[];
  readonly sequence: readonly Series[];
  readonly health: readonly { readonly name: string; readonly text: string; readonly tone: Tone }[];
  readonly audit: readonly { readonly at: number; readonly by: string; readonly action: string; readonly detail: string }[];
}

export function percent(value: number): string {
  return `${value > 0 ? '+' : ''}${(100 * value).toFixed(Math.abs(value) < 0.1 ? 2 : 1)} %`;
}

export function intervalText({ lift, low, high }: Pick<Card, 'lift' | 'low' | 'high'>): string {
  if (lift === null || low === null || high === null) return 'not enough to say';
  return `${percent(lift)} (${percent(low)} to ${percent(high)})`;
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function addressOf(key: string): string {
  return `/experiments/${encodeURIComponent(key)}`;
}
