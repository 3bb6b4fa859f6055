/**
 * What a net's folder holds: `net.onnx`, perhaps external data beside it, and `manifest.json`, which says how pixels go in
 * and which tensors come out. Tensor value = (pixel 0..255 - mean[c]) x scale[c], c in the order of `channels`.
 * A manifest is refused as a whole (NET_REFUSED), never repaired.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ServiceError, reasonOf } from '../errors.ts';

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

export interface NetInput {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 'RGB' | 'BGR';
  readonly mean: readonly [number, number, number];
  readonly scale: number | readonly [number, number, number];
  readonly resize: ResizeRule;
  /** Element type of the tensor; float32 when absent. */
  readonly type?: 'float32' | 'float16' | 'uint8';
  /** Largest batch the graph takes; `free` when absent. */
  readonly batch?: number | 'free';
}

/** An output of this role holds values whose signs are a short code of the classes; few nets have one. */
export const SHORT_CODE_ROLE = 'fc8_code';

export type Activation = 'relu' | 'none' | 'softmax';

export interface NetOutput {
  readonly tensor: string;
  readonly length?: number;
  readonly activation?: Activation;
  readonly [more: string]: unknown;
}

/** How fc6 becomes bits: a fixed rule, a threshold per dimension, or a rotation, the latter two fitted on the corpus. */
export type BinarizationRule = 'activation > 0' | 'activation > median' | { readonly rule: 'itq'; readonly bits: number };

export interface NetManifest {
  readonly name: string;
  readonly kind: 'classifier' | 'detector';
  readonly form?: string;
  readonly input: NetInput;
  readonly outputs: Readonly<Record<string, NetOutput>>;
  readonly classes?: readonly string[];
  readonly labels?: readonly string[];
  /** Of classifiers that speak: a plain word for each class. */
  readonly words?: readonly string[];
  readonly scoreThreshold?: number;
  readonly nmsIou?: number;
  /** Of detectors: how many of the highest scored boxes enter suppression; all when absent. */
  readonly proposals?: number;
  /** Of detectors whose boxes have an objectness: those below it are left out. */
  readonly objectnessMin?: number;
  /** Of detectors: groups of labels (fashion, home, vehicles) in which its word counts more than that of others in one folder. */
  readonly expertIn?: readonly string[];
  readonly binarization?: BinarizationRule;
  readonly sha256: string;
  readonly licence: string;
  /** Files of weights beside net.onnx. */
  readonly externalData?: readonly { readonly file: string; readonly sha256: string }[];
  readonly [more: string]: unknown;
}

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
  const problems: string[] = [];
  const manifest = record(value);
  if (!manifest) throw new ServiceError('NET_REFUSED', { net: named, reason: 'manifest.json is not an object' });
  const need = (fine: boolean, problem: string): void => void (fine || problems.push(problem));
  need(text(manifest.name), 'name is missing');
  need(manifest.kind === 'classifier' || manifest.kind === 'detector', 'kind must be classifier or detector');
  need(typeof manifest.sha256 === 'string' && /^[0-9a-f]{64}$/.test(manifest.sha256), 'sha256 must be 64 hexadecimal digits');
  need(text(manifest.licence), 'licence is missing');
  need(manifest.kind !== 'detector' || text(manifest.form), 'a detector names its form');
  need(manifest.proposals === undefined || isCount(manifest.proposals), 'proposals must be a whole number from 1');
  need(manifest.objectnessMin === undefined || isShare(manifest.objectnessMin), 'objectnessMin must be within 0..1');
  need(
    manifest.binarization === undefined || isRule(manifest.binarization),
    `binarization ${JSON.stringify(manifest.binarization)} is unknown`,
  );
  for (const list of ['classes', 'labels', 'words', 'expertIn'] as const) {
    const names = manifest[list];
    need(names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string')), `${list} must be texts`);
  }
  need(
    manifest.externalData === undefined || isDataList(manifest.externalData),
    'externalData must name files in the folder and their digests',
  );
  checkInput(record(manifest.input), need);
  checkOutputs(record(manifest.outputs), manifest.kind === 'classifier', need);
  if (problems.length > 0)
    throw new ServiceError('NET_REFUSED', {
      net: text(manifest.name) ? manifest.name : named,
      reason: problems.join('; '),
    });
  return manifest as unknown as NetManifest;
}

function checkInput(input: Record<string, unknown> | null, need: (fine: boolean, problem: string) => void): void {
  if (!input) return need(false, 'input is missing');
  const side = (size: unknown): boolean => Number.isInteger(size) && (size as number) >= 1 && (size as number) <= 4096;
  const triple = (list: unknown): boolean => Array.isArray(list) && list.length === 3 && list.every((one) => Number.isFinite(one));
  need(text(input.name), 'input.name is missing');
  need(side(input.width) && side(input.height), 'input.width and input.height must be whole numbers within 1..4096');
  need(input.layout === 'NCHW' || input.layout === 'NHWC', 'input.layout must be NCHW or NHWC');
  need(input.channels === 'RGB' || input.channels === 'BGR', 'input.channels must be RGB or BGR');
  need(triple(input.mean), 'input.mean must be three numbers');
  need(triple(input.scale) || Number.isFinite(input.scale), 'input.scale must be a number or three');
  need(RESIZE_RULES.includes(input.resize as ResizeRule), `input.resize must be one of ${RESIZE_RULES.join(', ')}`);
  need(
    [undefined, 'float32', 'float16', 'uint8'].includes(input.type as string | undefined),
    'input.type must be float32, float16 or uint8',
  );
  need(input.batch === undefined || input.batch === 'free' || isCount(input.batch), 'input.batch must be free or a whole number');
}

function checkOutputs(outputs: Record<string, unknown> | null, classifier: boolean, need: (fine: boolean, problem: string) => void): void {
  if (!outputs) return need(false, 'outputs is missing');
  for (const [role, output] of Object.entries(outputs)) need(text(record(output)?.tensor), `outputs.${role}.tensor is missing`);
  if (!classifier) return;
  for (const role of ['fc6', 'fc8', SHORT_CODE_ROLE]) {
    const length = record(outputs[role])?.length;
    need(role === SHORT_CODE_ROLE || record(outputs[role]) !== null, `outputs.${role} is missing`);
    need(length === undefined || isCount(length), `outputs.${role}.length must be a whole number`);
  }
}

function isDataList(value: unknown): boolean {
  const fine = (entry: unknown): boolean => {
    const { file, sha256 } = record(entry) ?? {};
    return text(file) && basename(file as string) === file && text(sha256);
  };
  return Array.isArray(value) && value.every(fine);
}

function isRule(value: unknown): boolean {
  const rule = record(value);
  return value === 'activation > 0' || value === 'activation > median' || (rule?.rule === 'itq' && isCount(rule.bits));
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1;
}

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function text(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
