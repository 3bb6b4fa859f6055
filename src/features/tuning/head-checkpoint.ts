/** Training of a head as it stands after an epoch, in a file, so that a stopped run goes on. */
import { existsSync, readFileSync } from 'node:fs';
import type { HeadEpoch, HeadState } from './projection-head.ts';
import { replaceFile } from '../../swapped-file.ts';

interface Header {
  /** What the training depends on; a file of another training is not gone on from. */
  readonly key: string;
  readonly epoch: number;
  readonly trace: readonly (Omit<HeadEpoch, 'trainLoss'> & { readonly trainLoss: number | null })[];
  readonly lengths: readonly number[];
}

export function writeCheckpoint(file: string, key: string, state: HeadState): void {
  const arrays = [state.weights, state.velocity, state.best, ...state.proxies, ...state.proxyVelocities];
  const header: Header = { key, epoch: state.epoch, trace: state.trace, lengths: arrays.map(({ length }) => length) };
  const text = Buffer.from(`${JSON.stringify(header)}\n`);
  const data = arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
  replaceFile(file, Buffer.concat([text, ...data]));
}

/** The state, or null without a file of this training. */
export function readCheckpoint(file: string, key: string): HeadState | null {
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const end = bytes.indexOf(10);
  const header = JSON.parse(bytes.toString('utf8', 0, end)) as Header;
  if (header.key !== key) return null;
  let at = end + 1;
  const arrays = header.lengths.map((length) => {
    const array = new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * length));
    at += 4 * length;
    return array;
  });
  const [weights, velocity, best, ...rest] = arrays;
  const tasks = rest.length / 2;
  const trace = header.trace.map((one) => ({ ...one, trainLoss: one.trainLoss ?? Number.NaN }));
  return { epoch: header.epoch, trace, weights, velocity, best, proxies: rest.slice(0, tasks), proxyVelocities: rest.slice(tasks) };
}
