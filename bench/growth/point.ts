/** One size: each cost in its unit. */
export interface Point {
  readonly pins: number;
  /** Processor microseconds of a closeup; milliseconds half of the callers wait at most. */
  readonly closeupMicros: number;
  readonly closeupP50: number;
  readonly neighborsMs: number;
  readonly countingSeconds: number;
  readonly startSeconds: number;
  readonly residentMiB: number;
}

export const COSTS = ['closeupMicros', 'neighborsMs', 'countingSeconds', 'startSeconds', 'residentMiB'] as const;
