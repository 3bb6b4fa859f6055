/** What goes between the pool and its workers: plain records, buffers moved and not copied. */
import type { Box } from './box.ts';
import type { ImageFingerprint } from './fingerprint.ts';
import type { ImageLimits, Placement } from './image-tensor.ts';
import type { OutputValues, Provider, ProviderChoice } from './onnx-session.ts';
import type { ErrorCode } from '../errors.ts';

/** An image's bytes, and the region to look at (absent: the whole), in pixels of the upright original. */
export interface ImageInput {
  readonly bytes: Uint8Array;
  readonly box?: Box;
}

/** What one net makes of one image; its fingerprint too, unless only a box of it was looked at. */
export interface Embedding extends Partial<ImageFingerprint> {
  readonly ok: true;
  readonly width: number;
  readonly height: number;
  readonly fc6: Float32Array;
  readonly fc8: Float32Array;
  /** Signs are a short code of fc8, of nets that have one. */
  readonly fc8Code?: Float32Array;
  /** A short vector of length 1, of nets that have one. */
  readonly embedding?: Float32Array;
  /** Of kind `layers` only: the manifest's further outputs by role, and the 64 cells of the colour histogram. */
  readonly layers?: Readonly<Record<string, Float32Array>>;
}

/** A net's outputs as they come, of one image in a batch of one. */
export interface RawOutputs {
  readonly ok: true;
  readonly width: number;
  readonly height: number;
  readonly placement: Placement;
  readonly outputs: readonly OutputValues[];
}

/** Why an image gave nothing. */
export interface ImageFailure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly reason: string;
}

export type TaskKind = 'embed' | 'layers' | 'outputs';
export type TaskResult = Embedding | RawOutputs | ImageFailure;

export interface Task {
  readonly id: number;
  readonly kind: TaskKind;
  readonly netFolder: string;
  /** The net that is meant; null: whichever the folder holds. */
  readonly netDigest: string | null;
  readonly images: readonly ImageInput[];
}

/** `error`: the whole task failed, and why (a net that is refused). */
export interface TaskReply {
  readonly id: number;
  readonly provider?: Provider;
  readonly results?: readonly TaskResult[];
  readonly error?: { readonly code: ErrorCode; readonly fields: Readonly<Record<string, unknown>> };
}

export interface WorkerSettings {
  /** Of the process: large pictures are decoded one after another in all its threads. */
  readonly turns?: SharedArrayBuffer;
  readonly provider: ProviderChoice;
  readonly threads: number;
  readonly batch: number;
  readonly limits: ImageLimits;
}
