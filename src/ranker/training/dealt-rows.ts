/** Training rows that lie with many tasks, for the trainer of one machine: it asks, every piece answers, and the answers are added here. */
import { newDigest } from '../../catalog/artifacts/digest.ts';
import type { ModelFeature } from '../scoring/linear-model.ts';
import { ColumnStatistics } from '../scoring/normalizer.ts';
import { linearTraining, type TrainedModel, type TrainingSettings } from './linear-trainer.ts';
import type { LogData } from './log-data.ts';
import { sliceLog } from './log-data.ts';
import type { PairSpread } from './model-prior.ts';
import { addedLoss } from './pair-loss.ts';
import type { ListSpan } from './time-split.ts';
import type { Answer, Question, RowFacts } from './training-questions.ts';
import {
  type DealtAnswers,
  type DealtQuestion,
  type QuestionKind,
  readGroups,
  readRows,
  type RowsReceipt,
  type TrainingPlan,
  unpacked,
  writeQuestion,
} from './training-shards.ts';

/** Has a step done for some pieces, and resolves to what each said, in their order. */
export type RunPieces = (step: string, pieces: readonly number[], question?: string) => Promise<readonly object[]>;

/** Pieces whose rows are written. */
export class DealtLog {
  readonly receipts: readonly RowsReceipt[];
  /** The first list of each piece, and behind the last the number of all. */
  readonly starts: readonly number[];
  /** Of every list the replay that it belongs to; -1: people saw it. */
  readonly groups: Int32Array;
  private readonly folder: string;
  private readonly plan: TrainingPlan;
  private readonly run: RunPieces;

  private constructor(folder: string, plan: TrainingPlan, run: RunPieces, receipts: readonly RowsReceipt[]) {
    this.folder = folder;
    this.plan = plan;
    this.run = run;
    this.receipts = receipts;
    const starts = [0];
    for (const { lists } of receipts) starts.push(starts[starts.length - 1] + lists);
    this.starts = starts;
    this.groups = new Int32Array(starts[receipts.length]);
    for (const piece of plan.keys.keys()) this.groups.set(readGroups(folder, plan, piece), starts[piece]);
  }

  /** Has the rows of all pieces written. */
  static async of(folder: string, plan: TrainingPlan, run: RunPieces): Promise<DealtLog> {
    const receipts = (await run('rows', [...plan.keys.keys()])) as readonly RowsReceipt[];
    return new DealtLog(folder, plan, run, receipts);
  }

  /** Lists that were met and not taken. */
  get left(): LogData['left'] {
    const sum = (of: keyof LogData['left']): number => this.receipts.reduce((total, { left }) => total + left[of], 0);
    return { floods: sum('floods'), repeated: sum('repeated') };
  }

  /** Lists with an action on a row. */
  get acted(): number {
    return this.receipts.reduce((sum, { acted }) => sum + acted, 0);
  }

  /** Asks the pieces that hold lists of the span. */
  async ask<Kind extends QuestionKind>(kind: Kind, { from, to }: ListSpan, about: Partial<DealtQuestion>): Promise<DealtAnswers[Kind][]> {
    const question = JSON.stringify({ from, to, starts: this.starts, ...about });
    const digest = newDigest();
    digest.update(Buffer.from(question));
    // Named for its content: no machine can have an older file of that name in its cache.
    const name = digest.hex();
    writeQuestion(this.folder, name, question);
    return (await this.run(kind, this.piecesOf({ from, to }), name)) as DealtAnswers[Kind][];
  }

  /** The lists of a span, here. */
  read({ from, to }: ListSpan): LogData {
    return joined(
      this.piecesOf({ from, to }).map((piece) => {
        const data = readRows(this.folder, this.plan, piece);
        const within = (list: number): number => Math.min(data.lists.length, Math.max(0, list - this.starts[piece]));
        return sliceLog(data, within(from), within(to));
      }),
    );
  }

  private piecesOf({ from, to }: ListSpan): number[] {
    return [...this.plan.keys.keys()].filter((piece) => Math.max(from, this.starts[piece]) < Math.min(to, this.starts[piece + 1]));
  }
}

function joined(parts: readonly LogData[]): LogData {
  const rows = parts.reduce((sum, { grades }) => sum + grades.length, 0);
  const [first] = parts;
  const data = {
    values: new Float32Array(rows * first.names.length),
    grades: new Float32Array(rows),
    pinIndexes: new Int32Array(rows),
    positions: new Uint16Array(rows),
    retrievedRanks: new Int32Array(rows),
  };
  const listStart = [0];
  let at = 0;
  for (const part of parts) {
    if (part.rows.kind !== 'dense') throw new TypeError('rows of the log are dense');
    data.values.set(part.rows.data, at * first.names.length);
    for (const column of ['grades', 'pinIndexes', 'positions', 'retrievedRanks'] as const) data[column].set(part[column], at);
    for (const start of part.listStart.subarray(1)) listStart.push(at + start);
    at += part.grades.length;
  }
  const { values, ...columns } = data;
  const lists = parts.flatMap((part) => part.lists);
  return { ...first, ...columns, rows: { kind: 'dense', data: values }, listStart: Int32Array.from(listStart), lists };
}

/** Some lists, and some columns of their rows. */
export class DealtRows {
  private readonly log: DealtLog;
  private readonly span: ListSpan;
  private readonly columns: readonly string[];
  private known: Promise<readonly DealtAnswers['facts'][]> | null = null;

  constructor(log: DealtLog, span: ListSpan, columns: readonly string[]) {
    this.log = log;
    this.span = span;
    this.columns = columns;
  }

  /** As `trainLinearModel` does with rows that lie here. Throws RANKER_NO_PAIRS. */
  async train(settings: TrainingSettings): Promise<TrainedModel> {
    const training = linearTraining(this.columns, settings);
    let step = training.next();
    while (!step.done) step = training.next(await this.answer(step.value));
    return step.value;
  }

  /** NDCG@10 of every list; NaN where it has no positive. */
  async ndcg10(features: readonly ModelFeature[]): Promise<Float64Array> {
    const parts = await this.ask('ndcg', { features });
    return Float64Array.from(parts.flatMap(({ values }) => [...unpacked(values)]));
  }

  /** Asked once. */
  pieceFacts(): Promise<readonly DealtAnswers['facts'][]> {
    this.known ??= this.ask('facts', {});
    return this.known;
  }

  private async answer(question: Question): Promise<Answer> {
    if (question.kind === 'facts') return addedFacts(await this.pieceFacts());
    const at = { normalizations: question.normalizations, w: [...question.w] };
    if (question.kind === 'spread') return addedSpread(await this.ask('spread', at));
    const sums = await this.ask('gradient', at);
    return addedLoss(
      sums.map(({ value, gradient, curvature }) => ({ value, gradient: unpacked(gradient), curvature: unpacked(curvature) })),
    );
  }

  private ask<Kind extends QuestionKind>(kind: Kind, about: Partial<DealtQuestion>): Promise<DealtAnswers[Kind][]> {
    return this.log.ask(kind, this.span, { columns: this.columns, ...about });
  }
}

/** Facts of all pieces from those of each. */
export function addedFacts(parts: readonly DealtAnswers['facts'][]): RowFacts {
  const [first] = parts;
  const statistics = first.statistics.map((_, column) => {
    const all = new ColumnStatistics();
    for (const part of parts) all.join(part.statistics[column]);
    return all;
  });
  const evidence = Uint8Array.from(first.evidence, (_, column) => (parts.some((part) => part.evidence[column] === 1) ? 1 : 0));
  return { statistics, evidence, pairs: parts.reduce((sum, { pairs }) => sum + pairs, 0) };
}

const addedSpread = (parts: readonly PairSpread[]): PairSpread => ({
  squares: parts.reduce((sum, { squares }) => sum + squares, 0),
  pairs: parts.reduce((sum, { pairs }) => sum + pairs, 0),
});
