/** What `npm run torture -- NAME` runs: a scenario within its minutes; `failed` above 0 fails the run. */
export interface ScenarioOptions {
  readonly minutes: number;
  readonly seed: number;
  /** At most this many rounds or cases (each scenario says of what); absent: as many as the minutes hold. */
  readonly rounds?: number;
  /** Only the parts whose names begin with one of these (parsers of `fuzz`, acts of `nodes`); absent: all of them. */
  readonly only?: readonly string[];
  /** Where `nodes` publishes; absent: a folder. */
  readonly store?: 'folder' | 's3';
  /** A line for the person who watches. */
  say(line: string): void;
}

export interface ScenarioResult {
  readonly rounds: number;
  /** Events that were acknowledged and are gone, or are there twice; absent where nothing is counted. */
  readonly lost?: number;
  readonly doubled?: number;
  readonly failed: number;
  readonly failures: readonly string[];
  readonly [more: string]: unknown;
}

export type Scenario = (options: ScenarioOptions) => Promise<ScenarioResult>;
