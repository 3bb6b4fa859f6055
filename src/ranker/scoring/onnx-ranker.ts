/**
 * A ranker trained elsewhere (boosted trees, a neural net), imported as ONNX: raw ranking features in a stated order in, one
 * score per row out. It serves under the same contract; its explanation is one term, because its score is not a sum.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { reasonOf, ServiceError } from '../../errors.ts';
import { type Matrix, zeroMatrix } from '../../math/matrix.ts';
import { openSession } from '../../vision/onnx-session.ts';
import type { Ranker } from './ranker.ts';

/** A few rows with the scores the trainer gave them: proof that the order of the features is the same on both sides. */
export interface ParityRows {
  readonly rows: readonly (readonly number[])[];
  readonly scores: readonly number[];
}

/** Choice: float32 sums in another order differ in the last digits; a swapped column differs in the first. */
const PARITY_TOLERANCE = 1e-5;

/** `scoreRows` picks the model's columns by name and gives a score per row; a missing column or a NaN rejects with RangeError. */
interface OnnxRanker extends Ranker {
  scoreRows(rows: Matrix): Promise<Float64Array>;
}

/** Opens the file. Throws RANKER_MODEL_REFUSED: a digest that differs, no float output of one score per row. */
export async function openOnnxRanker(
  name: string,
  path: string,
  features: readonly string[],
  digest: string,
  netDigest: string | null = null,
): Promise<OnnxRanker> {
  const refuse = (reason: string): never => {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason });
  };
  if (onnxDigestOf(path) !== digest) refuse('its .onnx file does not have the digest it was imported with');
  const session = await openSession(path, name, { provider: 'cpu' });
  const scoreRows = async (rows: Matrix): Promise<Float64Array> => {
    if (rows.rows === 0) return new Float64Array(0);
    const outputs = await session.run(gathered(rows, features, name), [rows.rows, features.length]);
    const scores = outputs.find(({ data }) => data instanceof Float32Array || data instanceof Float64Array)?.data;
    if (!scores || scores.length !== rows.rows) return refuse(`it does not give one score per row, but ${scores?.length ?? 0}`);
    return Float64Array.from(scores as Float32Array, (score, row) => {
      if (Number.isNaN(score)) throw new RangeError(`model ${name}: the score of row ${row} is NaN`);
      return score;
    });
  };
  return {
    name,
    netDigest,
    scoreRows,
    score: ({ rows }) => scoreRows(rows),
    async explain({ rows }, row) {
      const value = (await scoreRows(rows))[row];
      return [{ feature: name, value, weight: 1, contribution: value }];
    },
  };
}

/** The columns in the model's order. */
function gathered(rows: Matrix, features: readonly string[], name: string): Float32Array {
  const from = features.map((feature) => rows.names.indexOf(feature));
  const missing = from.indexOf(-1);
  if (missing >= 0) throw new RangeError(`model ${name}: the rows have no column "${features[missing]}"`);
  const values = new Float32Array(rows.rows * features.length);
  for (let row = 0, at = 0; row < rows.rows; row++) for (const column of from) values[at++] = rows.data[row * rows.columns + column];
  return values;
}

/** Throws RANKER_MODEL_REFUSED when the ranker does not give the trainer's own scores, or none at all. */
export async function checkParity(ranker: OnnxRanker, features: readonly string[], { rows, scores }: ParityRows): Promise<void> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: ranker.name, reason }, cause);
  };
  const whole = Array.isArray(rows) && Array.isArray(scores) && rows.length > 0 && rows.length === scores.length;
  if (!whole || !scores.every(Number.isFinite) || !rows.every((row) => row.length === features.length && row.every(Number.isFinite)))
    return refuse(`parity rows need ${features.length} values and a score each, all of them numbers`);
  const matrix = { ...zeroMatrix(rows.length, features), data: Float32Array.from(rows.flat()) };
  const found = await ranker
    .scoreRows(matrix)
    .catch((error: unknown) => refuse(`it cannot score the parity rows: ${reasonOf(error)}`, error));
  await checkManyRows(ranker, matrix, found, refuse);
  const at = found.findIndex((score, row) => Math.abs(score - scores[row]) > PARITY_TOLERANCE * Math.max(1, Math.abs(scores[row])));
  if (at >= 0) refuse(`parity row ${at} scores ${found[at]}, the trainer says ${scores[at]}: are the features in the same order?`);
}

/** SHA-256 of the whole file, in hex. */
export function onnxDigestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Rows of one list, about as many as are ranked for a request. */
const MANY_ROWS = 500;

/** A list has hundreds of rows and rarely as many as the one before: a graph made for a fixed number of rows cannot serve. */
async function checkManyRows(
  ranker: OnnxRanker,
  { names, data, rows, columns }: Matrix,
  scores: Float64Array,
  refuse: (reason: string, cause?: unknown) => never,
): Promise<void> {
  for (const many of [1, MANY_ROWS]) {
    const matrix = zeroMatrix(many, names);
    for (let row = 0; row < many; row++) {
      const from = (row % rows) * columns;
      for (let column = 0; column < columns; column++) matrix.data[row * columns + column] = data[from + column];
    }
    const found = await ranker
      .scoreRows(matrix)
      .catch((error: unknown) =>
        refuse(`it cannot score ${many} rows at once (${reasonOf(error)}); export it with a free first dimension`, error),
      );
    const other = found.findIndex((score, row) => Math.abs(score - scores[row % rows]) > PARITY_TOLERANCE * Math.max(1, Math.abs(score)));
    if (other >= 0)
      refuse(`row ${other} of ${many} scores ${found[other]}, alone ${scores[other % rows]}: rows must not depend on each other`);
  }
}
