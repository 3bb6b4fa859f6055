/** One size: each cost in its unit. */
export interface Point {
  readonly pins: number;
  /** Processor microseconds of a closeup; milliseconds half of the callers wait at most. */
  readonly closeupMicros: number;
  readonly closeupP50: number;
  readonly neighborsMs: number;
  readonly countingSeconds: number;
  /** From the start of the process to its listening: by the clock, and of processor time. */
  readonly startSeconds: number;
  readonly startProcessorSeconds: number;
  readonly residentMiB: number;
}

export const COSTS = ['closeupMicros', 'neighborsMs', 'countingSeconds', 'startProcessorSeconds', 'residentMiB'] as const;
