/** `--method auto`: the choice of a way to count, on the boards of a catalog or of a file, and what is said of it. */
import { counted } from '../../counted.ts';
import type { CooccurrenceOptions } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import { DEFAULT_COOCCURRENCE } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import type { BoardPins } from '../../candidates/cooccurrence/board-pins.ts';
import { chooseMethod, type MethodChoice, type Trial } from '../../candidates/cooccurrence/choose-method.ts';
import { ServiceError } from '../../errors.ts';
import { seededRandom } from '../../math/random.ts';
import type { Progress } from '../../progress.ts';
import type { CountingFlags } from './cooccurrence-flags.ts';

/** Null where too few boards can lose a pin. @throws JOB_USAGE when settings are given beside `auto`, JOB_STOPPED. */
export async function chooseCounting(
  table: BoardPins,
  flags: CountingFlags,
  progress: Progress,
  signal: AbortSignal,
): Promise<MethodChoice | null> {
  const besides = givenSettings(flags).filter((name) => name !== 'method');
  if (besides.length > 0)
    throw new ServiceError('JOB_USAGE', { reason: `--method auto chooses the settings itself; leave out ${besides.join(', ')}` });
  const seed = flags.choiceSeed;
  let started = false;
  const choice = await chooseMethod(table, seededRandom(seed), seed, (done, of) => {
    if (!started) progress.start('ways to count', of);
    started = true;
    progress.update(Math.min(done, of));
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  });
  if (started) progress.stop();
  return choice;
}

/** The names of the settings that flags give. */
export function givenSettings(flags: CountingFlags): (keyof CooccurrenceOptions)[] {
  const names = Object.keys(DEFAULT_COOCCURRENCE) as (keyof CooccurrenceOptions)[];
  return names.filter((name) => flags[name] !== undefined);
}

/** The settings that a method uses, in the words of the flags. */
export function settingText({ method, neighbors, alpha, beta, shrink, weighting, damping }: CooccurrenceOptions): string {
  const walk = method === 'p3alpha' || method === 'rp3beta';
  const parts = [
    method,
    `neighbors ${neighbors}`,
    walk ? `alpha ${alpha}` : '',
    method === 'rp3beta' ? `beta ${beta}` : '',
    method === 'cosine' || method === 'jaccard' ? `shrink ${shrink}` : '',
    weighting === 'none' ? '' : weighting,
    damping === 'none' ? '' : `${damping} damping`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** One line for each setting that was tried, best first. */
export function choiceTable({ heldOut, chosen, usual, trials }: MethodChoice): string[] {
  const line = ({ options, recall20, ndcg20, boards }: Trial): string =>
    `  ${recall20.toFixed(4)}  ${ndcg20.toFixed(4)}  ${String(boards).padStart(6)}  ${settingText(options)}`;
  return [
    `${counted(heldOut.saves, 'save')} held out, ${heldOut.of} (seed ${heldOut.seed})`,
    '  recall@20  ndcg@20  boards  counted by',
    ...trials.map(line),
    `chosen: ${settingText(chosen.options)}; usual: recall@20 ${usual.recall20.toFixed(4)}`,
  ];
}
