/** Training on a log that lies with many tasks: what `trainOnLog` does, with the rows asked instead of held. Later lists are held here. */
import { distributionsFrom } from '../registry/model-provenance.ts';
import { columnsOf } from '../scoring/feature-table.ts';
import { chooseAmong, type CChoice } from './choose-c.ts';
import { addedFacts, type DealtLog, DealtRows } from './dealt-rows.ts';
import { gridCurve } from './fold-curve.ts';
import { curveOver, type CurveSettings, type LearningCurve } from './learning-curve.ts';
import { splitLists } from './log-data.ts';
import { type LogTraining, type LogTrainingSettings, measuredOn, orFallback, type Taught } from './log-training.ts';

/** Without weights of pairs: they are made of rows of many pieces. */
export type DealtTrainingSettings = Omit<LogTrainingSettings, 'pairWeights' | 'chooseSettings'>;

/** Throws RANKER_NO_PAIRS when the log holds no preference. */
export async function trainDealt(log: DealtLog, settings: DealtTrainingSettings): Promise<LogTraining> {
  const { groups } = log;
  const { train, holdout } = splitLists(groups.length, (list) => groups[list], settings.holdoutShare);
  const { normalize, prior, signs, onStep } = settings;
  const { model, c, choice, rows } = await learnFrom(log, train.to, settings);
  const control = await new DealtRows(log, train, columnsOf(['control'])).train({ c, normalize, prior, signs });
  onStep?.('measuring');
  const taught = await taughtBy(log, rows, train.to, columnsOf(settings.sets));
  return { model, taught, c, choice, ...measuredOn(log.read(holdout), { trained: model, control }, settings) };
}

/** The curve of a model that `trainDealt` made. Throws RANKER_NO_PAIRS where no later list has an action. */
export function dealtCurve(log: DealtLog, whole: LogTraining, settings: DealtTrainingSettings & CurveSettings): Promise<LearningCurve> {
  const { model, c, taught, holdout } = whole;
  const truths = log.truths().slice(0, taught.lists);
  return curveOver(truths, holdout, { model, c, rows: taught.rows }, settings, async (lists) => {
    const { rows, ...learned } = await learnFrom(log.picked(lists), lists.length, settings);
    return { ...learned, rows: sumOf(await rows.pieceFacts(), (part) => part.rows) };
  });
}

/** Learns from the first `lists` of a log, and from them alone. */
async function learnFrom(log: DealtLog, lists: number, settings: DealtTrainingSettings) {
  const { normalize, prior, signs, warm, onStep } = settings;
  const rows = new DealtRows(log, { from: 0, to: lists }, columnsOf(settings.sets));
  onStep?.('choosing C');
  const choice = settings.c === null ? await orFallback(() => chosen(log, lists, settings)) : null;
  const c = choice?.c ?? settings.c ?? 1;
  onStep?.('training');
  const model = await rows.train({ c, normalize, prior, signs, fixed: choice?.fixed, warm });
  return { model, c, choice, rows };
}

/** `lists`: those that may be learned from. */
function chosen(log: DealtLog, lists: number, { sets, normalize, prior, signs }: DealtTrainingSettings): Promise<CChoice> {
  const columns = columnsOf(sets);
  // A replay is a text, another list a number of its own: the two are never the same.
  const groupOf = (list: number): string | number => (log.groups[list] < 0 ? list : String(log.groups[list]));
  return chooseAmong(lists, { normalize, prior, signs, groupOf, workers: 1 }, ({ train, holdout }, task) => {
    const [early, later] = [train, holdout].map((span) => new DealtRows(log, span, columns));
    return gridCurve(task, { train: (settings) => early.train(settings), ndcg10: (features) => later.ndcg10(features) });
  });
}

async function taughtBy(log: DealtLog, rows: DealtRows, lists: number, columns: readonly string[]): Promise<Taught> {
  const facts = await rows.pieceFacts();
  return {
    lists,
    rows: sumOf(facts, (part) => part.rows),
    window: [facts[0].window[0], facts[facts.length - 1].window[1]],
    left: log.left,
    distributions: distributionsFrom(
      columns,
      addedFacts(facts).statistics,
      columns.map((_, column) => sumOf(facts, (part) => part.nonZero[column])),
    ),
  };
}

const sumOf = <Part>(parts: readonly Part[], of: (part: Part) => number): number => parts.reduce((sum, part) => sum + of(part), 0);
