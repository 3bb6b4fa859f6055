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
  readTruths,
  type RowsReceipt,
  type TrainingPlan,
  unpacked,
  writePick,
  writeQuestion,
} from './training-shards.ts';

/** Has a step done for some pieces, and resolves to what each said, in their order. */
export type RunPieces = (step: string, pieces: readonly number[], question?: string) => Promise<readonly object[]>;

/** Where pieces lie, who works on them, and what each said when its rows were written. */
interface Dealt {
  readonly folder: string;
  readonly plan: TrainingPlan;
  readonly run: RunPieces;
  readonly receipts: readonly RowsReceipt[];
}

/** Pieces whose rows are written, or some lists of theirs. */
export class DealtLog {
  /** The first list of each piece, and behind the last the number of all. */
  readonly starts: readonly number[];
  /** Of every list the replay that it belongs to; -1: people saw it. */
  readonly groups: Int32Array;
  readonly receipts: readonly RowsReceipt[];
  private readonly dealt: Dealt;
  private readonly pick: string | undefined;

  /** `pick`: the name of what was picked of each piece; absent: all. */
  private constructor(dealt: Dealt, starts: readonly number[], groups: Int32Array, pick?: string) {
    this.dealt = dealt;
    this.receipts = dealt.receipts;
    this.starts = starts;
    this.groups = groups;
    this.pick = pick;
  }

  /** Has the rows of all pieces written. */
  static async of(folder: string, plan: TrainingPlan, run: RunPieces): Promise<DealtLog> {
    const receipts = (await run('rows', [...plan.keys.keys()])) as readonly RowsReceipt[];
    const starts = startsOf(receipts.map(({ lists }) => lists));
    const groups = new Int32Array(starts[receipts.length]);
    for (const piece of plan.keys.keys()) groups.set(readGroups(folder, plan, piece), starts[piece]);
    return new DealtLog({ folder, plan, run, receipts }, starts, groups);
  }

  /** Some of all lists, ascending, as a log of their own to learn from. */
  picked(lists: readonly number[]): DealtLog {
    const name = nameOf(JSON.stringify(lists));
    let at = 0;
    const counts = this.dealt.plan.keys.map((_, piece) => {
      const within: number[] = [];
      for (; lists[at] < this.starts[piece + 1]; at++) within.push(lists[at] - this.starts[piece]);
      writePick(this.dealt.folder, name, piece, within);
      return within.length;
    });
    const groups = Int32Array.from(lists, (list) => this.groups[list]);
    return new DealtLog(this.dealt, startsOf(counts), groups, name);
  }

  /** The truth that each of all lists shares with others. */
  truths(): readonly string[] {
    const { folder, plan } = this.dealt;
    return plan.keys.flatMap((_, piece) => readTruths(folder, plan, piece));
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
    const { starts, pick } = this;
    const question = JSON.stringify({ from, to, starts, pick, ...about });
    const name = nameOf(question);
    writeQuestion(this.dealt.folder, name, question);
    return (await this.dealt.run(kind, this.piecesOf({ from, to }), name)) as DealtAnswers[Kind][];
  }

  /** The lists of a span, here. Of all lists. */
  read({ from, to }: ListSpan): LogData {
    return joined(
      this.piecesOf({ from, to }).map((piece) => {
        const data = readRows(this.dealt.folder, this.dealt.plan, piece);
        const within = (list: number): number => Math.min(data.lists.length, Math.max(0, list - this.starts[piece]));
        return sliceLog(data, within(from), within(to));
      }),
    );
  }

  private piecesOf({ from, to }: ListSpan): number[] {
    const { starts } = this;
    return [...this.receipts.keys()].filter((piece) => Math.max(from, starts[piece]) < Math.min(to, starts[piece + 1]));
  }
}

/** A file is named for its content: no machine can have an older one of that name in its cache. */
function nameOf(content: string): string {
  const digest = newDigest();
  digest.update(Buffer.from(content));
  return digest.hex();
}

function startsOf(counts: readonly number[]): readonly number[] {
  const starts = [0];
  for (const count of counts) starts.push(starts[starts.length - 1] + count);
  return starts;
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
