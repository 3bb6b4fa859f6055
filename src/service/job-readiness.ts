/** Whether a job could do anything if it ran now: a button that can only fail says why instead. */
import type { Context } from './context.ts';

/** Null: it can; else what is missing, in a sentence. */
export function whyNot(context: Context, job: string, flags: readonly string[]): string | null {
  const check = CHECKS[job];
  return check ? check(context, flags) : null;
}

const needsLog = ({ log }: Context): string | null => (log.events.lastIndex() > 0 ? null : 'The log holds no event yet.');
const needsPictures = ({ catalog }: Context): string | null => (catalog.pins.count() > 0 ? null : 'There are no pins yet.');

const CHECKS: Readonly<Record<string, (context: Context, flags: readonly string[]) => string | null>> = {
  'import-catalog': (_, flags) =>
    flags.some((flag) => /^--(pins|boards|saves)/.test(flag))
      ? null
      : 'Its files are named on the machine: related-pins schedule-job import-catalog --cron "0 2 * * *" --flags "--pins FILE"',
  refresh: needsPictures,
  'extract-features': needsPictures,
  'detect-objects': needsPictures,
  'index-objects': needsPictures,
  'build-candidates': needsPictures,
  'train-ranker': needsLog,
  'evaluate-ranker': needsLog,
  'promote-model': ({ registry }) => (registry.names().length > 0 ? null : 'There is no stored model: train-ranker makes one.'),
  'report-dark-reads': ({ registry, darkNet }) =>
    registry.roles().dark !== null || darkNet.pointer !== null ? null : 'No model and no net reads in the dark.',
  'report-experiment': ({ experiments }) =>
    experiments.store.list().some(({ state }) => state !== 'draft') ? null : 'No experiment has started yet.',
};
