import type { Config } from '../config.ts';
import type { Progress } from '../progress.ts';

/** One flag of a job. `flag` is in commander's form: `--neighbors <k>`, `--negatives`. Its camel-cased name is the key in `options`. */
export interface JobOption {
  readonly flag: string;
  readonly meaning: string;
  readonly default?: string | number | boolean;
  /** How the text becomes a value; absent: text stays text. A time is ISO 8601 or epoch milliseconds, and becomes the latter. */
  readonly kind?: 'number' | 'integer' | 'list' | 'time';
  /** Of a number: the least and the greatest value. */
  readonly range?: readonly [number, number];
  /** Of a number: it must be greater than this. */
  readonly above?: number;
  /** Of a text, or of each text of a list: what it may be. */
  readonly choices?: readonly string[];
  readonly required?: boolean;
  /** May be given several times; the value is then a list of texts. */
  readonly repeatable?: boolean;
}

type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

type KeyOf<Flag extends string> = Flag extends `--no-${infer Name}`
  ? Camel<Name>
  : Flag extends `--${infer Name} <${string}`
    ? Camel<Name>
    : Flag extends `--${infer Name}`
      ? Camel<Name>
      : never;

type TextOf<Option> = Option extends { readonly choices: readonly (infer Choice)[] } ? Choice : string;

type ParsedOf<Option extends JobOption> = Option extends { readonly repeatable: true } | { readonly kind: 'list' }
  ? readonly TextOf<Option>[]
  : Option extends { readonly kind: string }
    ? number
    : Option['flag'] extends `${string} <${string}`
      ? TextOf<Option>
      : boolean;

type IsSure<Option> = Option extends { readonly required: true } | { readonly default: string | number | boolean } ? true : false;

/** The record that a table of flags is parsed into: what is required or has a default is there, the rest may be absent. */
export type OptionsOf<Table extends readonly JobOption[]> = {
  readonly [Option in Table[number] as IsSure<Option> extends true ? KeyOf<Option['flag']> : never]: ParsedOf<Option>;
} & {
  readonly [Option in Table[number] as IsSure<Option> extends true ? never : KeyOf<Option['flag']>]?: ParsedOf<Option>;
} & {
  /** Every job takes `--data`. */
  readonly data?: string;
};

/** What a job is given. `options` are parsed flags by camel-cased name, `args` the positional arguments. */
export interface JobInput<Options = unknown> {
  readonly options: Options;
  readonly args: readonly string[];
  readonly config: Config;
  readonly dataFolder: string;
  readonly progress: Progress;
  /** Aborted by Ctrl-C; a job stops cleanly at the next safe point and throws JOB_STOPPED, and its next start resumes. */
  readonly signal: AbortSignal;
}

type AnyRecord = Readonly<Record<string, unknown>>;

/** A verb-noun job: read its `run` top to bottom. The returned record is the receipt, printed as JSON with `--json`. */
export interface Job<Options = AnyRecord, Receipt extends object = AnyRecord> {
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
  run(input: JobInput<Options>): Promise<Receipt>;
  /** Whether it runs once at a time in a data folder, a second run being refused with JOB_RUNNING; absent: it need not. */
  alone?(options: Options): boolean;
  /** The receipt for a person, line by line; absent: the record is printed key by key. */
  describe?(receipt: Receipt): readonly string[];
  /** For jobs whose receipt may be bad news: the exit status; absent: 0. */
  exitCode?(receipt: Receipt): number;
}

/** A table of flags whose types are known. */
export const flags = <const Table extends readonly JobOption[]>(table: Table): Table => table;

/** A job whose `options` have the types that its table of flags says, and whose `describe` gets what `run` returns. */
export function defineJob<const Table extends readonly JobOption[], Receipt extends object>(
  job: Job<OptionsOf<Table>, Receipt> & { readonly options: Table },
): Job<OptionsOf<Table>, Receipt> {
  return job;
}

/** Runs a job from another one. Flags that are not given have their defaults. */
export function callJob<Options, Receipt extends object>(
  job: Job<Options, Receipt>,
  input: Omit<JobInput, 'options' | 'args'>,
  options: Partial<Options> = {},
): Promise<Receipt> {
  return job.run({ ...input, args: [], options: { ...flagDefaults(job), ...options } as Options });
}

/** The values that the flags of a job have when none is given, by the name of their key in `options`. */
function flagDefaults({ options }: { readonly options: readonly JobOption[] }): AnyRecord {
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
