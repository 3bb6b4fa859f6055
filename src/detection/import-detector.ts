/**
 * A stranger's ONNX detector -> `net.onnx` and `manifest.json` in a folder. The output form is recognized from the names,
 * shapes and values that one picture gives; `form` confirms or decides. What had to be assumed stands in `notes`.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { reasonOf, ServiceError } from '../errors.ts';
import { checkManifest, netDigest, type NetInput, type NetManifest } from '../vision/net-manifest.ts';
import { probePicture } from '../vision/probe-picture.ts';
import { projectRoot } from '../worker-url.ts';
import { FORM_DEFAULTS } from './form-defaults.ts';
import { OUTPUT_FORMS, outputForm } from './forms/forms.ts';
import type { OutputForm, OutputTensor, Recognition } from './forms/output-form.ts';
import { readLabelLines } from './true-objects.ts';

/** What importing needs of a session: the graph's inputs, and one run on values of the shape given. */
export interface ProbeSession {
  readonly inputs: readonly {
    readonly name: string;
    readonly dims: readonly (number | string)[];
    readonly type: string;
  }[];
  run(values: Float32Array, dims: readonly number[]): Promise<readonly OutputTensor[]>;
  close(): Promise<void> | void;
}

export interface DetectorImport {
  readonly file: string;
  readonly name: string;
  readonly out: string;
  readonly open: (file: string) => Promise<ProbeSession>;
  /** The output form, when the person knows; absent: recognized. */
  readonly form?: string;
  /** Label names, one a line. */
  readonly labelsFile?: string;
  readonly licence?: string;
  /** Overrides of what the form's family proposes: size, channels, mean, scale, resize. */
  readonly input?: Partial<NetInput>;
}

/** @throws NET_REFUSED with the reason; the folder is then left without a manifest. */
export async function importDetector(request: DetectorImport): Promise<NetManifest> {
  const refuse = (reason: string, cause?: unknown): ServiceError => new ServiceError('NET_REFUSED', { net: request.name, reason }, cause);
  if (!existsSync(request.file)) throw refuse(`there is no file ${request.file}`);
  if (request.form !== undefined) outputForm(request.form, request.name);
  const session = await request.open(request.file);
  try {
    const input = inputOf(session, request, refuse);
    const outputs = await probe(session, input, refuse);
    const { form, recognition } = recognize(outputs, input, request, refuse);
    const notes: string[] = [`form ${form.name}: ${recognition.why}`];
    const labels = labelsOf(form, recognition, request, notes, refuse);
    return writeNet(request, { form, recognition, input, labels, notes });
  } finally {
    await session.close();
  }
}

type Refuse = (reason: string, cause?: unknown) => ServiceError;

/** The graph's one image input and how pixels go in: the family's way, overridden by what the person said. */
function inputOf(session: ProbeSession, request: DetectorImport, refuse: Refuse): NetInput {
  const images = session.inputs.filter(({ dims }) => dims.length === 3 || dims.length === 4);
  if (images.length !== 1 || session.inputs.length !== 1) {
    const names = session.inputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
    throw refuse(`it must take one image and nothing else, it takes ${names}`);
  }
  const [{ name, dims, type }] = images;
  if (!['float32', 'float16', 'uint8'].includes(type)) throw refuse(`its input ${name} is of type ${type}`);
  const plain = dims.slice(-3);
  const layout = plain[2] === 3 && plain[0] !== 3 ? 'NHWC' : 'NCHW';
  const family = FORM_DEFAULTS[request.form ?? guessFamily(layout, type)];
  const [height, width] = layout === 'NCHW' ? plain.slice(1) : plain;
  const side = (size: number | string): number => (typeof size === 'number' && size > 0 ? size : family.side);
  const preset = { channels: family.channels, mean: family.mean, scale: family.scale, resize: family.resize } as const;
  const input = { name, width: side(width), height: side(height), layout, ...preset, ...request.input } as const;
  const batch = typeof dims[0] === 'number' && dims.length === 4 ? dims[0] : ('free' as const);
  return {
    ...input,
    ...(type === 'float32' ? {} : { type: type as NetInput['type'] }),
    batch,
  };
}

/** The family whose way of taking pixels is tried before the outputs are known. */
function guessFamily(layout: string, type: string): string {
  return layout === 'NHWC' || type === 'uint8' ? 'tensorflow' : 'ssd';
}

async function probe(session: ProbeSession, input: NetInput, refuse: Refuse): Promise<readonly OutputTensor[]> {
  const plane = input.layout === 'NCHW' ? [3, input.height, input.width] : [input.height, input.width, 3];
  const dims = session.inputs[0].dims.length === 3 ? plane : [1, ...plane];
  try {
    return await session.run(probePicture(input), dims);
  } catch (error) {
    throw refuse(`it fails on a plain picture of ${input.width} x ${input.height}: ${reasonOf(error)}`, error);
  }
}

function recognize(
  outputs: readonly OutputTensor[],
  input: NetInput,
  request: DetectorImport,
  refuse: Refuse,
): { form: OutputForm; recognition: Recognition } {
  const wanted = request.form === undefined ? OUTPUT_FORMS : [outputForm(request.form, request.name)];
  const claims = wanted.flatMap((form) => {
    const recognition = form.recognize(outputs, input);
    return recognition ? [{ form, recognition }] : [];
  });
  if (claims.length === 1) return claims[0];
  const shapes = outputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
  if (claims.length > 1) {
    throw refuse(`its outputs (${shapes}) fit ${claims.map(({ form }) => form.name).join(' and ')}; say which with --form`);
  }
  const known = OUTPUT_FORMS.map((form) => form.name).join(', ');
  throw refuse(`its outputs (${shapes}) are not those of ${request.form ?? `any form known (${known})`}`);
}

/** Label names: from the file, else COCO's 80 where the outputs have room for just those, else numbers, and a note. */
function labelsOf(form: OutputForm, recognition: Recognition, request: DetectorImport, notes: string[], refuse: Refuse): readonly string[] {
  const room = recognition.labelCount;
  if (request.labelsFile !== undefined) {
    const labels = readLabelLines(request.labelsFile);
    if (room === null || labels.length === room) return labels;
    throw refuse(`${request.labelsFile} names ${labels.length} labels, the outputs have ${room}`);
  }
  const coco = cocoLabels();
  if (room === coco.length) {
    if (!FORM_DEFAULTS[form.name].coco) notes.push('80 labels taken to be those of COCO; give --labels if they are not');
    return coco;
  }
  notes.push('labels are numbered; give their names with --labels FILE, one a line');
  return Array.from({ length: room ?? 100 }, (_, i) => `label ${i}`);
}

/** The 80 names of COCO in the order of detectors trained on it. */
export function cocoLabels(): readonly string[] {
  return JSON.parse(readFileSync(new URL('data/coco-labels.json', projectRoot()), 'utf8')) as string[];
}

interface Parts {
  readonly form: OutputForm;
  readonly recognition: Recognition;
  readonly input: NetInput;
  readonly labels: readonly string[];
  readonly notes: readonly string[];
}

function writeNet(request: DetectorImport, { form, recognition, input, labels, notes }: Parts): NetManifest {
  const family = FORM_DEFAULTS[form.name];
  const preset = { channels: family.channels, mean: family.mean, scale: family.scale, resize: family.resize } as const;
  mkdirSync(request.out, { recursive: true });
  rmSync(join(request.out, 'manifest.json'), { force: true });
  copyNet(request.file, request.out);
  const manifest = checkManifest(
    {
      name: request.name,
      kind: 'detector',
      form: form.name,
      input: { ...input, ...preset, ...request.input },
      outputs: recognition.roles,
      labels,
      scoreThreshold: family.scoreThreshold,
      nmsIou: family.nmsIou,
      notes,
      sha256: netDigest(request.out),
      licence: request.licence ?? 'unknown; see where the file came from',
    },
    request.name,
  );
  writeFileSync(join(request.out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** Copies the graph, and external weights that lie beside it under the graph's own name. */
function copyNet(file: string, out: string): void {
  const target = join(out, 'net.onnx');
  if (file !== target) copyFileSync(file, target);
  const data = `${basename(file)}.data`;
  if (existsSync(join(dirname(file), data))) copyFileSync(join(dirname(file), data), join(out, data));
}
