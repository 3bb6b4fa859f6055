/** What a long job reports as it goes; the command line draws it, tests and servers ignore it. */
export interface Progress {
  /** Begins a step of `total` units (0: unknown). */
  start(step: string, total: number): void;
  /** Sets the units done so far in the current step. */
  update(done: number): void;
  /** Ends the current step. */
  stop(): void;
  /** One line for the person who watches (a choice made, something worth knowing). */
  note(line: string): void;
}

export const SILENT: Progress = { start() {}, update() {}, stop() {}, note() {} };
