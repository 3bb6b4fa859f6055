/**
 * The file of a model: everything that scores, and everything that says where it came from. JSON, one value a line, ending
 * in the digest of every byte before it, so that a changed byte anywhere is noticed. A file is refused by name, never repaired.
 */
import type { Interval } from '../../math/bootstrap.ts';
import type { Surface } from '../../catalog/log/served-list.ts';
import { digestOf } from '../../catalog/artifacts/digest.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { ModelFeature } from '../scoring/linear-model.ts';
import { readNormalization } from '../scoring/normalizer.ts';

/** Files of another version are refused. */
export const MODEL_FORMAT = 1;

/** Where a model came from. */
export interface ModelLineage {
  /** `starter`: it ships with the program. */
  readonly source: 'log' | 'letor' | 'import' | 'starter';
  /** Served lists from (inclusive) to (exclusive), epoch milliseconds; null: no log. */
  readonly window: { readonly from: number; readonly to: number } | null;
  /** Lists of the window from here on taught it nothing, epoch milliseconds; absent: all of them did. */
  readonly heldOutFrom?: number;
  readonly codeVersion: string;
  readonly seed: number;
  readonly c: number | null;
  /** Names of the feature sets, or the kind of normalization, or anything else that shaped it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The net whose visual features it was trained on; null: none, or it does not matter. */
  readonly netDigest: string | null;
  /** The model that served when it was trained. */
  readonly previous: string | null;
}

/** What a model's file holds, but for its digest. */
export interface ModelArtifact {
  readonly format: typeof MODEL_FORMAT;
  readonly name: string;
  readonly kind: 'linear' | 'onnx';
  /** The surface whose lists it was made for, and the only one it orders; absent: every surface. */
  readonly surface?: Surface;
  /** ISO 8601. */
  readonly createdAt: string;
  /** In the order in which terms are added. An imported net has weights of 0: the order of its inputs. */
  readonly features: readonly ModelFeature[];
  readonly lineage: ModelLineage;
  readonly counts: { readonly lists: number; readonly rows: number; readonly pairs: number };
  /** Objective, iterations, gradient norm, or what else the trainer said. */
  readonly training: Readonly<Record<string, unknown>>;
  /** NDCG@10 on the holdout by contender: `trained`, `previous`, `asServed`, `asRetrieved`, `shuffled`, `control`. */
  readonly ndcg10: Readonly<Record<string, Interval>>;
  /** Digest of the .onnx file beside it. */
  readonly onnxDigest: string | null;
  /** Training ranges of the features, for drift; by feature name. */
  readonly distributions: Readonly<Record<string, FeatureDistribution>>;
}

/** A feature's training values in short. */
export interface FeatureDistribution {
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  readonly nonZeroShare: number;
}

/** The bytes of a model's file. */
export function encodeModel(model: ModelArtifact): Buffer {
  const body = JSON.stringify(model, null, 1);
  const head = Buffer.from(`${body.slice(0, -2)},\n`);
  return Buffer.concat([head, Buffer.from(tailOf(digestOf(head)))]);
}

const tailOf = (digest: string): string => ` "digest": "${digest}"\n}\n`;
const TAIL_BYTES = tailOf('0'.repeat(16)).length;

/**
 * Reads a model's file. Throws RANKER_MODEL_REFUSED with the reason: another format version, a digest that does not match,
 * no feature, a repeated feature, a weight that is missing, a normalization that is unknown.
 */
export function decodeModel(bytes: Buffer, label: string): ModelArtifact & { readonly digest: string } {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: label, reason }, cause);
  };
  const head = bytes.subarray(0, Math.max(0, bytes.length - TAIL_BYTES));
  const digest = digestOf(head);
  if (bytes.subarray(head.length).toString('latin1') !== tailOf(digest))
    refuse('its digest does not match its content: it is damaged, cut short, or was edited');
  let record: Record<string, unknown> = {};
  try {
    record = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch (error) {
    refuse(`it is not JSON: ${reasonOf(error)}`, error);
  }
  if (record.format !== MODEL_FORMAT) refuse(`format version ${JSON.stringify(record.format)}, this program reads ${MODEL_FORMAT}`);
  const features = readFeatures(record.features);
  if (typeof features === 'string') return refuse(features);
  return { ...(record as unknown as ModelArtifact), features, digest };
}

/** The features of a model's file or of an exported one; the problem as text when they cannot be read. */
export function readFeatures(given: unknown): readonly ModelFeature[] | string {
  if (!Array.isArray(given) || given.length === 0) return 'it lists no features';
  const seen = new Set<string>();
  const features: ModelFeature[] = [];
  for (const entry of given as readonly unknown[]) {
    const { name, weight, normalization } = (entry ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || name === '') return 'a feature has no name';
    if (seen.has(name)) return `the feature "${name}" is listed twice`;
    if (typeof weight !== 'number' || !Number.isFinite(weight)) return `the feature "${name}" has no weight`;
    const read = readNormalization(normalization ?? { kind: 'none' });
    if (typeof read === 'string') return `the feature "${name}": ${read}`;
    seen.add(name);
    features.push({ name, weight, normalization: read });
  }
  return features;
}
