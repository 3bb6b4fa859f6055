/** How long an experiment was meant to run, and whether it has. */
import type { Experiment } from '../experiment-store.ts';
import type { PlannedWindow } from './experiment-report.ts';

const DAY_MS = 24 * 3600 * 1000;

/** `now` in epoch milliseconds; a stopped experiment got as far as it ran. */
export function windowOf({ definition: { plannedDays }, startedAt, stoppedAt }: Experiment, now = Date.now()): PlannedWindow {
  if (startedAt === null) return { plannedDays, endsAt: null, reachedAt: null };
  const end = startedAt + plannedDays * DAY_MS;
  const endsAt = new Date(end).toISOString();
  return { plannedDays, endsAt, reachedAt: (stoppedAt ?? now) >= end ? endsAt : null };
}

/** "planned for 14 days, reached on 2026-06-15"; a fixed-horizon interval is valid at that moment alone. */
export function windowText({ plannedDays, endsAt, reachedAt }: PlannedWindow): string {
  const plan = `planned for ${plannedDays} days`;
  if (endsAt === null) return `${plan}, not started`;
  return reachedAt === null ? `${plan}, which end on ${endsAt.slice(0, 10)}` : `${plan}, reached on ${reachedAt.slice(0, 10)}`;
}
