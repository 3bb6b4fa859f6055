import type { Config } from '../config.ts';
import type { Progress } from '../progress.ts';

/** One flag of a job. `flag` is in commander's form: `--neighbors <k>`, `--negatives`. Its camel-cased name is the key in `options`. */
export interface JobOption {
  readonly flag: string;
  readonly meaning: string;
  readonly default?: string | number | boolean;
  /** How the text becomes a value; absent: text stays text. */
  readonly kind?: 'number' | 'integer' | 'list';
  /** Of a number: the least and the greatest value. */
  readonly range?: readonly [number, number];
  readonly required?: boolean;
  /** May be given several times; the value is then a list of texts. */
  readonly repeatable?: boolean;
}

/** What a job is given. `options` are parsed flags by camel-cased name, `args` the positional arguments. */
export interface JobInput {
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
  readonly config: Config;
  readonly dataFolder: string;
  readonly progress: Progress;
  /** Aborted by Ctrl-C; a job stops cleanly at the next safe point and throws JOB_STOPPED, and its next start resumes. */
  readonly signal: AbortSignal;
}

/** A verb-noun job: read its `run` top to bottom. The returned record is the receipt, printed as JSON with `--json`. */
export interface Job {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** Printed after flags and examples by `--help`. */
  readonly help?: string;
  /** Positional arguments in commander's form: `<file>`, `[name]`. */
  readonly args?: readonly { readonly form: string; readonly meaning: string }[];
  readonly options: readonly JobOption[];
  /** The data folder without --data, in words; absent: RELATED_PINS_DATA, then ./var. */
  readonly dataDefault?: string;
  run(input: JobInput): Promise<Readonly<Record<string, unknown>>>;
  /** Whether it runs once at a time in a data folder, a second run being refused with JOB_RUNNING; absent: it need not. */
  alone?(options: Readonly<Record<string, unknown>>): boolean;
  /** The receipt for a person, line by line; absent: the record is printed key by key. */
  describe?(receipt: Readonly<Record<string, unknown>>): readonly string[];
  /** For jobs whose receipt may be bad news: the exit status; absent: 0. */
  exitCode?(receipt: Readonly<Record<string, unknown>>): number;
}

/** The values that the flags of a job have when none is given, by the name of their key in `options`. */
export function flagDefaults({ options }: Job): Readonly<Record<string, unknown>> {
  const given = options.filter((option) => option.default !== undefined);
  return Object.fromEntries(given.map((option) => [keyOf(option.flag), option.default]));
}

/** `--visual-neighbors <k>` is visualNeighbors. */
function keyOf(flag: string): string {
  return flag
    .split(' ')[0]
    .slice(2)
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
