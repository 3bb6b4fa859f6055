/**
 * What a net's folder holds: `net.onnx`, perhaps external data beside it, and `manifest.json`, which says how pixels go in
 * and which tensors come out. Tensor value = (pixel 0..255 - mean[c]) x scale[c], c in the order of `channels`.
 * A manifest is refused as a whole (NET_REFUSED), never repaired.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Type } from 'typebox';
import { ServiceError, reasonOf } from '../errors.ts';
import { problemsOf, type Shape } from '../shape.ts';

export const RESIZE_RULES = [
  'stretch-bilinear',
  'stretch-bicubic',
  'cover-bilinear',
  'cover-bicubic',
  'contain-bilinear',
  'contain-bicubic',
] as const;
/** stretch: aspect ignored; cover: the middle, filled; contain: the whole, centred on grey (114). */
export type ResizeRule = (typeof RESIZE_RULES)[number];

/** An output of this role holds values whose signs are a short code of the classes; few nets have one. */
export const SHORT_CODE_ROLE = 'fc8_code';

/** An output of this role is a short float vector of length 1, made for graphs of neighbors; `tune-net` writes it. */
export const EMBEDDING_ROLE = 'embedding';

const Text = Type.String({ minLength: 1, must: 'is missing' });
const Texts = Type.Optional(Type.Array(Type.String(), { must: 'must be texts' }));
const Count = Type.Integer({ minimum: 1, must: 'must be a whole number from 1' });
const Side = Type.Integer({ minimum: 1, maximum: 4096, must: 'must be a whole number within 1..4096' });
const Triple = Type.Tuple([Type.Number(), Type.Number(), Type.Number()], { must: 'must be three numbers' });
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$', must: 'must be 64 hexadecimal digits' });
const literals = <const Names extends readonly string[]>(...names: Names) =>
  Type.Unsafe<Names[number]>(Type.Enum([...names], { must: `must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}` }));

const Input = Type.Object({
  name: Text,
  width: Side,
  height: Side,
  layout: literals('NCHW', 'NHWC'),
  channels: literals('RGB', 'BGR'),
  mean: Triple,
  scale: Type.Union([Type.Number(), Triple], { must: 'must be a number or three' }),
  resize: literals(...RESIZE_RULES),
  /** Element type of the tensor; float32 when absent. */
  type: Type.Optional(literals('float32', 'float16', 'uint8')),
  /** Largest batch the graph takes; `free` when absent. */
  batch: Type.Optional(Type.Union([Type.Literal('free'), Count], { must: 'must be free or a whole number' })),
});
export type NetInput = Shape<typeof Input>;

export type Activation = 'relu' | 'none' | 'softmax';

const Output = Type.Object({ tensor: Text, length: Type.Optional(Count), activation: Type.Optional(literals('relu', 'none', 'softmax')) });
export type NetOutput = Shape<typeof Output> & { readonly [more: string]: unknown };

/** How fc6 becomes bits: a fixed rule, a threshold per dimension, or a rotation, the latter two fitted on the corpus. */
const Binarization = Type.Union(
  [Type.Literal('activation > 0'), Type.Literal('activation > median'), Type.Object({ rule: Type.Literal('itq'), bits: Count })],
  { must: 'is unknown' },
);
export type BinarizationRule = Shape<typeof Binarization>;

const Manifest = Type.Object({
  name: Text,
  kind: literals('classifier', 'detector'),
  form: Type.Optional(Text),
  input: Input,
  outputs: Type.Record(Type.String(), Output),
  classes: Texts,
  labels: Texts,
  /** Of classifiers that speak: a plain word for each class. */
  words: Texts,
  scoreThreshold: Type.Optional(Type.Number()),
  nmsIou: Type.Optional(Type.Number()),
  /** Of detectors: how many of the highest scored boxes enter suppression; all when absent. */
  proposals: Type.Optional(Count),
  /** Of detectors whose boxes have an objectness: those below it are left out. */
  objectnessMin: Type.Optional(Type.Number({ minimum: 0, maximum: 1, must: 'must be within 0..1' })),
  /** Of detectors: groups of labels (fashion, home, vehicles) in which its word counts more than that of others in one folder. */
  expertIn: Texts,
  binarization: Type.Optional(Binarization),
  sha256: Digest,
  licence: Text,
  /** Files of weights beside net.onnx. */
  externalData: Type.Optional(
    Type.Array(Type.Object({ file: Type.String({ pattern: '^[^/\\\\]+$' }), sha256: Text }), {
      must: 'must name files in the folder and their digests',
    }),
  ),
});
export type NetManifest = Omit<Shape<typeof Manifest>, 'outputs'> & {
  readonly outputs: Readonly<Record<string, NetOutput>>;
  readonly [more: string]: unknown;
};

/** A net's folder, its manifest read and its file's digest checked. */
export interface Net {
  readonly folder: string;
  readonly file: string;
  readonly digest: string;
  readonly manifest: NetManifest;
}

/** Names what changes the tensor a net is given; part of every feature row's provenance. */
export function preprocessingVersion(input: NetInput): string {
  const text = JSON.stringify([1, input.width, input.height, input.channels, input.mean, input.scale, input.resize]);
  return `1-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}

/** `scale` as three numbers. */
export function scalesOf(input: NetInput): readonly [number, number, number] {
  return typeof input.scale === 'number' ? [input.scale, input.scale, input.scale] : input.scale;
}

/** Reads and checks a net's folder. Throws NET_REFUSED naming the net and every problem. */
export function readNet(folder: string): Net {
  const file = join(folder, 'net.onnx');
  const named = basename(folder);
  const manifestFile = join(folder, 'manifest.json');
  if (!existsSync(manifestFile)) throw new ServiceError('NET_REFUSED', { net: named, reason: `there is no ${manifestFile}` });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(manifestFile, 'utf8'));
  } catch (error) {
    throw new ServiceError('NET_REFUSED', { net: named, reason: `manifest.json is not JSON: ${reasonOf(error)}` }, error);
  }
  const manifest = checkManifest(value, named);
  if (!existsSync(file)) throw new ServiceError('NET_REFUSED', { net: manifest.name, reason: `there is no ${file}` });
  const digest = netDigest(folder);
  if (digest !== manifest.sha256) {
    const reason = `net.onnx has the digest ${digest.slice(0, 12)}..., the manifest says ${manifest.sha256.slice(0, 12)}...`;
    throw new ServiceError('NET_REFUSED', { net: manifest.name, reason });
  }
  return { folder, file, digest: digestWithData(folder, manifest, digest), manifest };
}

/** SHA-256 of net.onnx. */
export function netDigest(folder: string): string {
  return fileDigest(join(folder, 'net.onnx'));
}

export function fileDigest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** External weights must be there and as they were; their digests then count for the net's own. */
function digestWithData(folder: string, manifest: NetManifest, digest: string): string {
  const data = manifest.externalData ?? [];
  for (const { file, sha256 } of data) {
    const path = join(folder, file);
    const found = existsSync(path) ? fileDigest(path) : null;
    if (found === sha256) continue;
    const reason =
      found === null
        ? `there is no ${path}`
        : `${file} has the digest ${found.slice(0, 12)}..., the manifest says ${sha256.slice(0, 12)}...`;
    throw new ServiceError('NET_REFUSED', { net: manifest.name, reason });
  }
  if (data.length === 0) return digest;
  return createHash('sha256')
    .update([digest, ...data.map(({ sha256 }) => sha256)].join('\n'))
    .digest('hex');
}

/** A parsed manifest.json -> NetManifest. Throws NET_REFUSED with all reasons together. */
export function checkManifest(value: unknown, named: string): NetManifest {
  const given = isRecord(value) ? value : {};
  const net = typeof given.name === 'string' && given.name !== '' ? given.name : named;
  const problems = [...problemsOf(Manifest, value), ...rolesMissing(given)];
  if (problems.length > 0) throw new ServiceError('NET_REFUSED', { net, reason: problems.join('; ') });
  return value as NetManifest;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** What a net of its kind must have besides. */
function rolesMissing({ kind, form, outputs }: Record<string, unknown>): readonly string[] {
  if (kind === 'detector') return form ? [] : ['a detector names its form'];
  const roles = isRecord(outputs) ? outputs : {};
  return kind === 'classifier' ? ['fc6', 'fc8'].filter((role) => !(role in roles)).map((role) => `outputs.${role} is missing`) : [];
}
