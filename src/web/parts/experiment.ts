/** How the pages write the figures of an experiment. */
import type { ExperimentCard } from '../../api/experiment-schemas.ts';

export function percent(value: number): string {
  return `${value > 0 ? '+' : ''}${(100 * value).toFixed(Math.abs(value) < 0.1 ? 2 : 1)} %`;
}

export function intervalText({ lift, low, high }: Pick<ExperimentCard, 'lift' | 'low' | 'high'>): string {
  if (lift === null || low === null || high === null) return 'not enough to say';
  return `${percent(lift)} (${percent(low)} to ${percent(high)})`;
}

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function addressOf(key: string): string {
  return `/experiments/${encodeURIComponent(key)}`;
}
