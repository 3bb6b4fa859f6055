/**
 * A stranger's ONNX detector -> `net.onnx` and `manifest.json` in a folder. The output form is recognized from the names,
 * shapes and values that pictures give; `form` confirms or decides. What had to be assumed stands in `notes`.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { copyExternalData } from '../../vision/import/external-data.ts';
import { fillNetFolder } from '../../vision/import/filled-folder.ts';
import { OF_BYTES, PREPROCESSING } from '../../vision/import/net-families.ts';
import { checkManifest, netDigest, type NetInput, type NetManifest, scalesOf } from '../../vision/net-manifest.ts';
import { type OnnxGraph, readGraph } from '../../vision/import/onnx-graph.ts';
import { probePicture } from '../../vision/import/probe-picture.ts';
import { projectRoot } from '../../worker-url.ts';
import { FORM_DEFAULTS } from './form-defaults.ts';
import { OUTPUT_FORMS, outputForm } from '../forms/forms.ts';
import type { OutputForm, OutputRoles, OutputTensor, Recognition } from '../forms/output-form.ts';
import { readLabelLines } from '../true-objects.ts';

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

interface DetectorImport {
  readonly file: string;
  readonly name: string;
  readonly out: string;
  readonly open: (file: string) => Promise<ProbeSession>;
  /** The output form, when the person knows; absent: recognized. */
  readonly form?: string;
  /** Label names, one a line. */
  readonly labelsFile?: string;
  /** The number by which the net means the first of the names; absent: what is usual for the form. */
  readonly firstLabel?: number;
  /** Side of the input where the graph leaves it free; absent: the form's usual one. */
  readonly side?: number;
  readonly licence?: string;
  /** Overrides of what the form's family proposes: size, channels, mean, scale, resize. */
  readonly input?: Partial<NetInput>;
  /** How many of the highest scored boxes enter suppression; absent: all. */
  readonly proposals?: number;
  /** Boxes of less objectness are left out, in forms that have one; absent: none. */
  readonly objectnessMin?: number;
  /** Whether another net in the folder may be replaced. */
  readonly replace?: boolean;
}

/** @throws NET_REFUSED with the reason, or JOB_USAGE when another net is there; the folder is then left as it was. */
export async function importDetector(request: DetectorImport): Promise<NetManifest> {
  const refuse = (reason: string, cause?: unknown): ServiceError => new ServiceError('NET_REFUSED', { net: request.name, reason }, cause);
  if (!existsSync(request.file)) throw refuse(`there is no file ${request.file}`);
  if (request.form !== undefined) outputForm(request.form, request.name);
  const session = await request.open(request.file);
  try {
    const looking: Looking = { session, declared: declaredInput(session, refuse), request, refuse };
    const { form, recognition, input } = await look(looking);
    if (request.objectnessMin !== undefined && !recognition.objectness) {
      throw refuse(`the form ${form.name} has no objectness of its own as this net puts it out; leave --objectness-min out`);
    }
    const notes = [`form ${form.name}: ${recognition.why}`, ...(recognition.assumed ?? [])];
    notes.push(...sizeNotes(input, form, looking));
    const { labels, roles } = labelsOf({ form, recognition }, notes, looking);
    return await writeNet(request, graphOf(request.file, refuse), { form, roles, input, labels, notes });
  } finally {
    await session.close();
  }
}

type Refuse = (reason: string, cause?: unknown) => ServiceError;

/** The graph's one image input as it is declared; a side of 0 is free. */
interface DeclaredInput extends Pick<NetInput, 'name' | 'layout' | 'batch'> {
  readonly type: 'float32' | 'float16' | 'uint8';
  readonly width: number;
  readonly height: number;
  /** Whether the graph takes images in batches, be they of one. */
  readonly batched: boolean;
}

/** What looking at a net takes. */
interface Looking {
  readonly session: ProbeSession;
  readonly declared: DeclaredInput;
  readonly request: DetectorImport;
  readonly refuse: Refuse;
}

function declaredInput(session: ProbeSession, refuse: Refuse): DeclaredInput {
  const images = session.inputs.filter(({ dims }) => dims.length === 3 || dims.length === 4);
  if (images.length !== 1 || session.inputs.length !== 1) {
    const names = session.inputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
    throw refuse(`it must take one image and nothing else, it takes ${names}`);
  }
  const [{ name, dims, type }] = images;
  if (type !== 'float32' && type !== 'float16' && type !== 'uint8') throw refuse(`its input ${name} is of type ${type}`);
  const plain = dims.slice(-3);
  const layout = plain[2] === 3 && plain[0] !== 3 ? 'NHWC' : 'NCHW';
  const [height, width] = (layout === 'NCHW' ? plain.slice(1) : plain).map((side) => (typeof side === 'number' && side > 0 ? side : 0));
  const batch = dims.length === 4 && typeof dims[0] === 'number' && dims[0] > 0 ? dims[0] : 'free';
  return { name, layout, batch, type, width, height, batched: dims.length === 4 };
}

/** How pixels go in: the family's way, overridden by what the person said; `side` where the graph leaves it free. */
function inputFor(family: string, side: number, { declared, request, refuse }: Looking): NetInput {
  const { name, layout, batch, type } = declared;
  const { channels, resize } = FORM_DEFAULTS[family];
  const { mean, scale } = type === 'uint8' ? PREPROCESSING[OF_BYTES] : FORM_DEFAULTS[family];
  const size = { width: declared.width || side, height: declared.height || side };
  const input: NetInput = { name, ...size, layout, channels, mean, scale, resize, ...request.input };
  if (type === 'uint8' && [...scalesOf(input), ...input.mean].join() !== '1,1,1,0,0,0') {
    throw refuse(`its input ${name} is of type uint8, which takes pixels as they are: --preprocess ${OF_BYTES}`);
  }
  return { ...input, ...(type === 'float32' ? {} : { type }), batch };
}

/** The family whose way of taking pixels is tried before the outputs are known. */
function guessFamily({ layout, type }: DeclaredInput): string {
  return layout === 'NHWC' || type === 'uint8' ? 'tensorflow' : 'ssd';
}

interface Claim {
  readonly form: OutputForm;
  readonly recognition: Recognition;
}

interface Seen extends Claim {
  readonly input: NetInput;
  /** What was taken where the graph leaves a side free. */
  readonly side: number;
}

/**
 * Runs pictures through, prepared for the form that was said or guessed. Outputs of another form than guessed: once more, prepared
 * and sized for that one, because values and sides of the first try were not its own.
 */
async function look(looking: Looking): Promise<Seen> {
  const tried = looking.request.form ?? guessFamily(looking.declared);
  const first = await lookAs(tried, looking);
  const family = first.form.name;
  if (family === tried) return first;
  const again = await lookAs(family, looking).catch(() => null);
  if (again?.form === first.form) return again;
  return { ...first, input: inputFor(family, first.side, looking) };
}

async function lookAs(family: string, looking: Looking): Promise<Seen> {
  const failures: { readonly size: string; readonly error: unknown }[] = [];
  for (const side of sidesFor(family, looking)) {
    const input = inputFor(family, side, looking);
    try {
      return { ...(await recognize(input, looking)), input, side };
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      failures.push({ size: `${input.width} x ${input.height}`, error });
    }
  }
  const [{ error }] = failures;
  throw looking.refuse(
    `it fails on plain pictures of ${failures.map(({ size }) => size).join(', ')}: ${reasonOf(error).split('\n')[0]}`,
    error,
  );
}

/** Sides to try: what was said; else the family's own, then those of the others, because many graphs need multiples of 32. */
function sidesFor(family: string, { declared, request }: Looking): readonly number[] {
  const own = request.side ?? FORM_DEFAULTS[family].side;
  if (!isFree(declared) || request.side !== undefined) return [own];
  return [...new Set([own, ...Object.values(FORM_DEFAULTS).map(({ side }) => side)])];
}

function isFree({ width, height }: DeclaredInput): boolean {
  return width === 0 || height === 0;
}

function probe(input: NetInput, seed: number, { session, declared }: Looking): Promise<readonly OutputTensor[]> {
  const plane = input.layout === 'NCHW' ? [3, input.height, input.width] : [input.height, input.width, 3];
  return session.run(probePicture(input, seed), declared.batched ? [1, ...plane] : plane);
}

/** Pictures that are tried: in the first there may be nothing that the net knows. */
const SEEDS = [7, 8, 9];

/** The one form that claims the outputs. While a picture shows no box, so that something has to be assumed, the next one is asked. */
async function recognize(input: NetInput, looking: Looking): Promise<Claim> {
  const { request } = looking;
  const wanted = request.form === undefined ? OUTPUT_FORMS : [outputForm(request.form, request.name)];
  let blank: Claim | undefined;
  let refusal: ServiceError | undefined;
  for (const seed of SEEDS) {
    const outputs = await probe(input, seed, looking);
    const claims = wanted.flatMap((form): Claim[] => {
      const recognition = form.recognize(outputs, input);
      return recognition ? [{ form, recognition }] : [];
    });
    const [only] = claims.length === 1 ? claims : [];
    if (only && !only.recognition.assumed?.length) return only;
    blank ??= only;
    if (only) continue;
    refusal = unrecognized(outputs, claims, looking);
    if (!outputs.some(({ data }) => data.length === 0)) throw refusal;
  }
  if (blank) return blank;
  throw refusal;
}

function unrecognized(outputs: readonly OutputTensor[], claims: readonly Claim[], { request, refuse }: Looking): ServiceError {
  const shapes = outputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
  if (claims.length > 1) {
    return refuse(`its outputs (${shapes}) fit ${claims.map(({ form }) => form.name).join(' and ')}; say which with --form`);
  }
  const known = OUTPUT_FORMS.map((form) => form.name).join(', ');
  return refuse(`its outputs (${shapes}) are not those of ${request.form ?? `any form known (${known})`}`);
}

function sizeNotes(input: NetInput, form: OutputForm, { declared, request }: Looking): string[] {
  const size = `${input.width} x ${input.height}`;
  if (!isFree(declared)) return request.side === undefined ? [] : [`the graph takes ${size} only: --side was not used`];
  if (request.side !== undefined) return [];
  const own = FORM_DEFAULTS[form.name].side;
  const fails = [input.width, input.height].includes(own) ? '' : `, because the graph fails at ${own}, the usual side of ${form.name}`;
  return [`the graph takes any size; ${size} was taken${fails}: say --side N if it is another`];
}

/** The first name of a label file that lists the background. */
const BACKGROUND = /^(__background__|background)$/i;

/**
 * Label names: from the file, else COCO's 80 where the outputs have room for just those, else the net's own numbers; and the roles,
 * which say what number means the first name.
 */
function labelsOf(
  { form, recognition }: Claim,
  notes: string[],
  { request, refuse }: Looking,
): { readonly labels: readonly string[]; readonly roles: OutputRoles } {
  const { labelCount } = recognition;
  const numbered = Object.entries(recognition.roles).find(([, role]) => role.firstLabel !== undefined);
  if (!numbered && request.firstLabel !== undefined) throw refuse(`the form ${form.name} has no label numbers; leave --first-label out`);
  const usual = numbered?.[1].firstLabel ?? 0;
  const listed = request.labelsFile === undefined ? undefined : readLabelLines(request.labelsFile);
  const background = numbered !== undefined && request.firstLabel === undefined && BACKGROUND.test(listed?.[0] ?? '');
  const first = request.firstLabel ?? (background ? 1 : usual);
  if (recognition.firstLabelAssumed && request.firstLabel === undefined && !background) {
    const dropped = first === 0 ? '' : ' (0 being the background)';
    notes.push(`label numbers are taken to begin at ${first}${dropped}, as is usual for ${form.name}; say --first-label N if they do not`);
  }
  const roles = numbered ? { ...recognition.roles, [numbered[0]]: { ...numbered[1], firstLabel: first } } : recognition.roles;
  const room = labelCount === null ? null : labelCount + usual - first;
  const names = background ? listed?.slice(1) : listed;
  if (names) {
    if (room === null || names.length === room) return { labels: names, roles };
    throw refuse(`${request.labelsFile} names ${counted(names.length, 'label')}, the outputs have ${room}`);
  }
  const coco = cocoLabels();
  if (room === coco.length) {
    if (!FORM_DEFAULTS[form.name].coco) notes.push('80 labels taken to be those of COCO; give --labels if they are not');
    return { labels: coco, roles };
  }
  notes.push('labels are numbered; give their names with --labels FILE, one a line');
  return { labels: Array.from({ length: room ?? 100 }, (_, i) => `label ${i + first}`), roles };
}

/** The 80 names of COCO in the order of detectors trained on it. */
export function cocoLabels(): readonly string[] {
  return JSON.parse(readFileSync(new URL('data/coco-labels.json', projectRoot()), 'utf8')) as string[];
}

function graphOf(file: string, refuse: Refuse): OnnxGraph {
  try {
    return readGraph(readFileSync(file));
  } catch (error) {
    throw refuse(reasonOf(error), error);
  }
}

interface Parts {
  readonly form: OutputForm;
  readonly roles: OutputRoles;
  readonly input: NetInput;
  readonly labels: readonly string[];
  readonly notes: readonly string[];
}

function writeNet(request: DetectorImport, graph: OnnxGraph, { form, roles, input, labels, notes }: Parts): Promise<NetManifest> {
  const { scoreThreshold, nmsIou } = FORM_DEFAULTS[form.name];
  return fillNetFolder(request.out, request.replace ?? false, (folder) => {
    copyFileSync(request.file, join(folder, 'net.onnx'));
    const externalData = copyExternalData(graph, request, folder);
    const { proposals, objectnessMin } = request;
    return checkManifest(
      {
        name: request.name,
        kind: 'detector',
        form: form.name,
        input,
        outputs: roles,
        labels,
        scoreThreshold,
        nmsIou,
        ...(proposals === undefined ? {} : { proposals }),
        ...(objectnessMin === undefined ? {} : { objectnessMin }),
        notes,
        ...(externalData.length > 0 ? { externalData } : {}),
        sha256: netDigest(folder),
        licence: request.licence ?? 'unknown; see where the file came from',
      },
      request.name,
    );
  });
}
