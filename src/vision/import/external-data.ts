/** Weights that an ONNX file keeps in files of their own: they travel with it under their own names. */
import { copyFileSync, existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { fileDigest } from '../net-manifest.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** A file of weights beside a net, and its SHA-256. */
export interface ExternalData {
  readonly file: string;
  readonly sha256: string;
}

/** Copies the weights of `from.file` into a folder. Throws NET_REFUSED when one is missing or outside the file's own folder. */
export function copyExternalData(graph: OnnxGraph, from: { readonly file: string; readonly name: string }, folder: string): ExternalData[] {
  return graph.externalFiles.map((file) => {
    const refuse = (reason: string): ServiceError => new ServiceError('NET_REFUSED', { net: from.name, reason });
    if (basename(file) !== file) throw refuse(`its weights are in ${file}, which is outside its folder`);
    const source = join(dirname(from.file), file);
    if (!existsSync(source)) throw refuse(`its weights should be in ${source}, which is not there`);
    const target = join(folder, file);
    copyFileSync(source, target);
    return { file, sha256: fileDigest(target) };
  });
}
