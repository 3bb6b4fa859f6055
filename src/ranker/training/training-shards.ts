/**
 * Training dealt to many tasks. On a path that all of them reach, one machine writes `plan.json` and segments of the log
 * (log-segments.ts). Then tasks do, for piece N:
 *
 * `rows`      joins the lists of segment N with what people did, and writes `rows/N.bin`; a piece that is there is left as it is
 * `facts`, `gradient`, `spread`, `ndcg`
 *             answer a question about the lists of the piece. The question is a file, the answer is the receipt, nothing is kept:
 *             an answer depends on question and rows alone, so any task may give it, and give it again
 *
 * A question may be about some of the lists only: `picks/NAME/N.json` says which of piece N.
 *
 * Every answer is a sum over lists. Whoever asks (dealt-rows.ts) adds the answers in the order of the pieces.
 */
import { join } from 'node:path';
import type { ArtifactFile } from '../../catalog/artifacts/artifact-file.ts';
import { hasPiece, openPiece, pieceFile, readPlain, writePiece } from '../../catalog/artifacts/piece-file.ts';
import { judgedOfSegment } from '../../catalog/log/log-segments.ts';
import { truthOf } from '../../catalog/log/judged-list.ts';
import { replayGroupOf } from '../../catalog/log/replayed-list.ts';
import { decodeRows, encodeRows } from '../../catalog/log/served-list-codec.ts';
import type { Grades } from '../../grades.ts';
import { replaceFile } from '../../swapped-file.ts';
import { ndcgPerList } from '../measures/ranking-evaluation.ts';
import { FEATURE_COLUMNS } from '../scoring/feature-table.ts';
import type { ModelFeature } from '../scoring/linear-model.ts';
import type { ColumnSums, Normalization } from '../scoring/normalizer.ts';
import { listScorer } from './linear-trainer.ts';
import { actedLists, collectLogData, type LogData, pickLists, sliceLog, trainingRows } from './log-data.ts';
import type { PairSpread } from './model-prior.ts';
import { nonZeroCounts, rowCount } from './ranking-data.ts';
import { RowsHere } from './training-questions.ts';

export interface TrainingPlan {
  /** One per piece: what its rows are made of. */
  readonly keys: readonly string[];
  readonly grades: Grades;
}

/** `segments`: a digest of each that was written to the folder. */
export function writeTrainingPlan(folder: string, segments: readonly string[], grades: Grades): TrainingPlan {
  const plan: TrainingPlan = { keys: segments.map((digest) => JSON.stringify([digest, grades, FEATURE_COLUMNS])), grades };
  replaceFile(join(folder, 'plan.json'), JSON.stringify(plan));
  return plan;
}

/** Throws ARTIFACT_REFUSED when the folder has none. */
export const readTrainingPlan = (folder: string): TrainingPlan => readPlain(join(folder, 'plan.json')) as TrainingPlan;

/** What a piece holds. */
export interface RowsReceipt {
  /** False: it was there. */
  readonly written: boolean;
  readonly lists: number;
  /** Lists with an action on a row. */
  readonly acted: number;
  readonly rows: number;
  readonly left: LogData['left'];
}

/** Joins the lists of a segment with what people did. Throws ARTIFACT_REFUSED, CATALOG_FILE_UNREADABLE. */
export async function writeRows(folder: string, plan: TrainingPlan, piece: number): Promise<RowsReceipt> {
  const out = pieceFile(folder, 'rows', piece);
  const written = !hasPiece(out, plan.keys[piece]);
  const data = written ? collectLogData(await judgedOfSegment(folder, piece, plan.grades)) : readRows(folder, plan, piece);
  if (written) writePiece(out, plan.keys[piece], arraysOf(data), { left: data.left });
  return { written, lists: data.lists.length, acted: actedLists(data), rows: rowCount(data), left: data.left };
}

function arraysOf(data: LogData) {
  const { lists, names, rows, grades, pinIndexes, positions, retrievedRanks, listStart } = data;
  if (rows.kind !== 'dense') throw new TypeError('rows of the log are dense');
  return {
    heads: new Uint8Array(Buffer.from(JSON.stringify(lists))),
    groups: Int32Array.from(lists, ({ recommendationId }) => Number(replayGroupOf(recommendationId) ?? -1)),
    features: new Uint8Array(encodeRows({ rows: rowCount(data), columns: names.length, names, data: rows.data })),
    grades: grades.slice(),
    pinIndexes: pinIndexes.slice(),
    positions: positions.slice(),
    retrievedRanks: retrievedRanks.slice(),
    listStart: listStart.slice(),
  };
}

const headsOf = (file: ArtifactFile): LogData['lists'] =>
  JSON.parse(Buffer.from(file.read('heads') as Uint8Array).toString()) as LogData['lists'];

/** The rows of a piece, every column of the table. Throws ARTIFACT_REFUSED. */
export function readRows(folder: string, plan: TrainingPlan, piece: number): LogData {
  const file = openPiece(pieceFile(folder, 'rows', piece), plan.keys[piece]);
  try {
    const numbers = (['grades', 'pinIndexes', 'positions', 'retrievedRanks', 'listStart'] as const).map((name) => [name, file.read(name)]);
    return {
      ...(Object.fromEntries(numbers) as Pick<LogData, 'grades' | 'pinIndexes' | 'positions' | 'retrievedRanks' | 'listStart'>),
      names: FEATURE_COLUMNS,
      rows: { kind: 'dense', data: decodeRows(file.read('features') as Uint8Array, FEATURE_COLUMNS).data as Float32Array },
      lists: headsOf(file),
      left: file.about<Pick<LogData, 'left'>>().left,
    };
  } finally {
    file.close();
  }
}

/** The replay that each list of a piece belongs to; -1: people saw it. */
export function readGroups(folder: string, plan: TrainingPlan, piece: number): Int32Array {
  const file = openPiece(pieceFile(folder, 'rows', piece), plan.keys[piece]);
  try {
    return file.read('groups') as Int32Array;
  } finally {
    file.close();
  }
}

/** The truth that each list of a piece shares with others. Throws ARTIFACT_REFUSED. */
export function readTruths(folder: string, plan: TrainingPlan, piece: number): readonly string[] {
  const file = openPiece(pieceFile(folder, 'rows', piece), plan.keys[piece]);
  try {
    return headsOf(file).map(truthOf);
  } finally {
    file.close();
  }
}

const pickFile = (folder: string, name: string, piece: number): string => pieceFile(folder, join('picks', name), piece, 'json');

/** `lists`: ascending, counted within the piece. */
export function writePick(folder: string, name: string, piece: number, lists: readonly number[]): void {
  replaceFile(pickFile(folder, name, piece), JSON.stringify(lists));
}

/** A question about training rows: those that were likely seen, and some columns. */
export interface DealtQuestion {
  /** Some lists of each piece, by the name of their files; absent: all. What follows counts these alone. */
  readonly pick?: string;
  /** Which lists, counted over all pieces; the end is exclusive. */
  readonly from: number;
  readonly to: number;
  /** The first list of each piece. */
  readonly starts: readonly number[];
  readonly columns: readonly string[];
  /** Of `gradient` and `spread`. */
  readonly normalizations?: readonly Normalization[];
  readonly w?: readonly number[];
  /** Of `ndcg`. */
  readonly features?: readonly ModelFeature[];
}

/** What a piece answers. Arrays of doubles are base64: their bits, and half the length of their digits. */
export interface DealtAnswers {
  readonly facts: {
    readonly statistics: readonly ColumnSums[];
    readonly nonZero: readonly number[];
    readonly evidence: readonly number[];
    readonly pairs: number;
    readonly rows: number;
    /** Times of the first and the last list. */
    readonly window: readonly [number, number];
  };
  readonly gradient: { readonly value: number; readonly gradient: string; readonly curvature: string };
  readonly spread: PairSpread;
  readonly ndcg: { readonly values: string };
}
export type QuestionKind = keyof DealtAnswers;

const questionFile = (folder: string, name: string): string => join(folder, 'questions', `${name}.json`);

export function writeQuestion(folder: string, name: string, question: string): void {
  replaceFile(questionFile(folder, name), question);
}

/** Answers a question for the lists of one piece. Throws ARTIFACT_REFUSED. */
export function answerForPiece<Kind extends QuestionKind>(
  folder: string,
  plan: TrainingPlan,
  piece: number,
  kind: Kind,
  name: string,
): DealtAnswers[Kind] {
  const question = readPlain(questionFile(folder, name)) as DealtQuestion;
  const there = readRows(folder, plan, piece);
  const { pick } = question;
  const all = pick === undefined ? there : pickLists(there, readPlain(pickFile(folder, pick, piece)) as readonly number[]);
  const within = (list: number): number => Math.min(all.lists.length, Math.max(0, list - question.starts[piece]));
  const data = trainingRows(sliceLog(all, within(question.from), within(question.to)), question.columns);
  const { features = [] } = question;
  const at = { normalizations: question.normalizations ?? [], w: Float64Array.from(question.w ?? []) };
  const answers: { readonly [Kind in QuestionKind]: () => DealtAnswers[Kind] } = {
    facts: () => factsOf(data),
    gradient: () => {
      const { value, gradient, curvature } = new RowsHere(data).sums(at);
      return { value, gradient: packed(gradient), curvature: packed(curvature) };
    },
    spread: () => new RowsHere(data).spread(at),
    ndcg: () => ({ values: packed(ndcgPerList(data, 10, listScorer(data, features))) }),
  };
  return answers[kind]();
}

function factsOf(data: LogData): DealtAnswers['facts'] {
  const { statistics, evidence, pairs } = new RowsHere(data).facts();
  return {
    statistics: statistics.map((column) => column.sums()),
    nonZero: [...nonZeroCounts(data)],
    evidence: [...evidence],
    pairs,
    rows: rowCount(data),
    window: [data.lists[0].at, data.lists[data.lists.length - 1].at],
  };
}

const packed = ({ buffer, byteOffset, byteLength }: Float64Array): string => Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** The doubles of `DealtAnswers`. */
export const unpacked = (text: string): Float64Array => new Float64Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
