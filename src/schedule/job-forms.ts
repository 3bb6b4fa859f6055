/**
 * What may be asked of a job from a page: the flags that a form offers, each with its meaning. A list of what is allowed, so
 * that no request names a file or folder of the machine: those are set by `schedule-job`, on the machine itself.
 */
import { ServiceError } from '../errors.ts';
import { checkSchedulable } from './schedule-file.ts';

/** flag: given or not. An `argument` comes without a name. */
interface JobField {
  readonly name: string;
  readonly kind: 'flag' | 'text' | 'number' | 'integer' | 'argument';
  readonly meaning: string;
  readonly choices?: readonly string[];
  readonly required?: boolean;
}

interface JobForm {
  readonly summary: string;
  readonly fields: readonly JobField[];
}

/** What a form was filled in with: texts and numbers by field name, true for a flag. */
type JobValues = Readonly<Record<string, string | number | boolean>>;

const flag = (name: string, meaning: string): JobField => ({ name, kind: 'flag', meaning });
const integer = (name: string, meaning: string): JobField => ({ name, kind: 'integer', meaning });
const number = (name: string, meaning: string): JobField => ({ name, kind: 'number', meaning });
const text = (name: string, meaning: string): JobField => ({ name, kind: 'text', meaning });

export const JOB_FORMS: Readonly<Record<string, JobForm>> = {
  'import-catalog': {
    summary: 'Reads pins, boards and saves from files that schedule-job names.',
    fields: [],
  },
  refresh: {
    summary: 'Does all that is due after new pins: reads pictures, finds objects, builds lists.',
    fields: [flag('no-objects', 'leave the objects in the pictures alone')],
  },
  'extract-features': {
    summary: 'Reads new pictures: codes, class scores, near-duplicates.',
    fields: [
      flag('retry-failed', 'look again at images that were refused before'),
      number('pace', 'at most this many images a second'),
      integer('workers', 'inference threads'),
    ],
  },
  'detect-objects': {
    summary: 'Finds the objects in new pictures.',
    fields: [flag('retry-failed', 'look again at images that were refused before'), integer('workers', 'inference threads')],
  },
  'index-objects': {
    summary: 'Describes every object, for object search and dots.',
    fields: [
      flag('anew', 'search again by every stored crop'),
      flag('retry-failed', 'describe again the objects of pictures some of whose crops were refused before'),
      integer('workers', 'inference threads'),
    ],
  },
  'build-candidates': {
    summary: 'Counts what shares boards and what looks alike, and swaps the lists in.',
    fields: [
      { name: 'only', kind: 'text', meaning: 'cooccurrence or visual (default: both)', choices: ['cooccurrence', 'visual'] },
      integer('visual-neighbors', 'pins kept per visual list'),
      integer('threads', 'counting threads'),
    ],
  },
  'train-ranker': {
    summary: 'Learns a new model from the log. It does not serve until it is promoted.',
    fields: [
      text('name', 'name of the model (rank-svm-N)'),
      {
        name: 'surface',
        kind: 'text',
        meaning: 'whose lists it learns from and then orders',
        choices: ['closeup', 'home-feed', 'rank'],
      },
      number('holdout', 'share of the latest lists that judge'),
      flag('choose-c', 'choose C by time-ordered folds'),
      text('from', 'log from this time on (ISO 8601)'),
      text('to', 'log before this time (ISO 8601)'),
      flag('ladder', 'also train and measure the steps: control, + visual, + cross, + object'),
    ],
  },
  'evaluate-ranker': {
    summary: 'Measures a model beside its baselines on the log.',
    fields: [
      text('model', 'a model of the registry (the serving one)'),
      text('from', 'log from this time on (ISO 8601)'),
      text('to', 'log before this time (ISO 8601)'),
    ],
  },
  'promote-model': {
    summary: 'Makes a model serve, when it is judged to be no worse.',
    fields: [
      { name: 'model', kind: 'argument', meaning: 'name of the model; the newest without one' },
      text('why', 'the reason, kept in the audit'),
    ],
  },
  'report-dark-reads': {
    summary: 'How lists would differ under the model that scores in the dark.',
    fields: [text('model', 'the model (the one that read last)')],
  },
  'report-experiment': {
    summary: 'Counts an experiment and keeps its report with the run.',
    fields: [
      { name: 'key', kind: 'argument', meaning: 'the key of the experiment', required: true },
      flag('fixed-horizon', 'fixed-horizon intervals, valid for one look at the planned end'),
      flag('rebuild', 'count everything again from the raw log'),
    ],
  },
  'back-up': { summary: 'Copies the data folder, whole and with digests, to a folder beside it.', fields: [] },
  'publish-artifacts': { summary: 'Publishes what nodes serve from, where RELATED_PINS_PUBLISH says.', fields: [] },
  'prune-log': {
    summary: 'Deletes old lists and events; reports stay.',
    fields: [integer('keep-days', 'lists and events older than this go'), integer('keep-rows-days', 'feature rows older than this go')],
  },
  doctor: { summary: 'Looks at the whole installation and says what is wrong. Changes nothing.', fields: [] },
};

/** The command-line words of filled-in values. @throws JOB_UNKNOWN, JOB_USAGE naming the field. */
export function flagsOf(job: string, values: JobValues): readonly string[] {
  checkSchedulable(job);
  const { fields } = JOB_FORMS[job];
  const unknown = Object.keys(values).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) throw usage(`${job} takes no ${unknown} over HTTP; it takes: ${namesOf(fields)}. schedule-job sets others`);
  return fields.flatMap((field) => wordsOf(job, field, values[field.name]));
}

function wordsOf(job: string, { name, kind, choices, required }: JobField, value: JobValues[string] | undefined): readonly string[] {
  if (value === undefined || value === '' || value === false) {
    if (required) throw usage(`${job} needs ${name}`);
    return [];
  }
  if (kind === 'flag') {
    if (value !== true) throw usage(`${name} is given or not: true or false`);
    return [`--${name}`];
  }
  const said = String(value).trim();
  if (kind === 'integer' && !/^\d{1,9}$/.test(said)) throw usage(`${name} must be a whole number, it is ${said}`);
  if (kind === 'number' && !(Number(said) >= 0)) throw usage(`${name} must be a number, it is ${said}`);
  if (choices && !choices.includes(said)) throw usage(`${name} must be one of ${choices.join(', ')}, it is ${said}`);
  if (kind === 'argument' && said.startsWith('-')) throw usage(`${name} must not begin with a dash`);
  return kind === 'argument' ? [said] : [`--${name}=${said}`];
}

function usage(reason: string): ServiceError {
  return new ServiceError('JOB_USAGE', { reason: `${reason}.` });
}

const namesOf = (fields: readonly JobField[]): string => fields.map(({ name }) => name).join(', ') || 'nothing';

/** The values that a line of the schedule was made from; null where it holds words that the form does not know. */
export function valuesOf(job: string, flags: readonly string[]): JobValues | null {
  const { fields } = JOB_FORMS[job];
  const values: Record<string, string | boolean> = {};
  const words = [...flags];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, name, given] = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const field = name === undefined ? fields.find(({ kind }) => kind === 'argument') : fields.find((each) => each.name === name);
    if (!field || (name !== undefined && field.kind === 'argument')) return null;
    values[field.name] = name === undefined ? word : field.kind === 'flag' ? true : (given ?? words.shift() ?? '');
  }
  return values;
}
