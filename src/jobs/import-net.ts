/** A stock ONNX network into a folder the service can use: classifiers for visual features, detectors with --form. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { importDetector } from '../detection/import-detector.ts';
import { ServiceError } from '../errors.ts';
import { importClassifier } from '../vision/import-classifier.ts';
import { PREPROCESSING, type PreprocessingFamily } from '../vision/net-families.ts';
import { type BinarizationRule, RESIZE_RULES, type ResizeRule } from '../vision/net-manifest.ts';
import { openSession } from '../vision/onnx-session.ts';
import type { Job, JobInput } from './job.ts';

export const job: Job = {
  name: 'import-net',
  summary: 'turns a stock ONNX classifier or detector into a net folder (net.onnx, manifest.json)',
  args: [{ form: '<file>', meaning: 'the ONNX file' }],
  examples: [
    'related-pins import-net resnet50.onnx --name resnet50 --out var/nets/visual',
    'related-pins import-net vgg16.onnx --name vgg16 --preprocess caffe-bgr-mean --out nets/vgg16 --json',
    'related-pins import-net nanodet.onnx --name nanodet --form nanodet --out var/nets/detector',
  ],
  options: [
    { flag: '--name <name>', meaning: 'what to call it', required: true },
    { flag: '--out <folder>', meaning: 'where net.onnx and manifest.json go', required: true },
    {
      flag: '--form <form>',
      meaning: 'a detector of this output form (absent: a classifier, or a detector whose form is recognized)',
    },
    { flag: '--fc6 <tensor>', meaning: 'the tensor that plays fc6' },
    { flag: '--fc8 <tensor>', meaning: 'the tensor that plays fc8' },
    { flag: '--preprocess <family>', meaning: `how pixels go in: ${Object.keys(PREPROCESSING).join(', ')}` },
    { flag: '--resize <rule>', meaning: `how images are brought to size: ${RESIZE_RULES.join(', ')}` },
    { flag: '--side <pixels>', meaning: 'side of the input where the graph leaves it free', kind: 'integer' },
    { flag: '--binarization <rule>', meaning: 'positive (activation > 0), median, or itq:BITS' },
    { flag: '--labels <file>', meaning: 'names of classes or labels, one a line' },
    { flag: '--licence <text>', meaning: 'the licence of the weights' },
  ],
  run: importNet,
  describe: (receipt) => [
    `${String(receipt.name)} (${String(receipt.kind)}) imported, digest ${String(receipt.sha256).slice(0, 12)}`,
    ...((receipt.doubts ?? receipt.notes ?? []) as string[]).map((doubt) => `  please check: ${doubt}`),
  ],
};

async function importNet({ options, args }: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(args[0]);
  const name = options.name as string;
  const out = resolve(options.out as string);
  const text = (key: string): string | undefined => options[key] as string | undefined;
  const preprocess = oneOf('--preprocess', text('preprocess'), Object.keys(PREPROCESSING)) as PreprocessingFamily | undefined;
  const resize = oneOf('--resize', text('resize'), RESIZE_RULES) as ResizeRule | undefined;
  const detector = () =>
    importDetector({
      file,
      name,
      out,
      form: text('form'),
      labelsFile: text('labels'),
      licence: text('licence'),
      open: (path) => openSession(path, name, { provider: 'cpu' }),
      ...(preprocess || resize ? { input: { ...(preprocess ? PREPROCESSING[preprocess] : {}), ...(resize ? { resize } : {}) } } : {}),
    });
  if (options.form !== undefined) return { ...(await detector()) };
  try {
    const { manifest, doubts } = await importClassifier({
      file,
      name,
      out,
      preprocess,
      resize,
      fc6: text('fc6'),
      fc8: text('fc8'),
      side: options.side as number | undefined,
      binarization: ruleOf(text('binarization')),
      classes: options.labels === undefined ? undefined : linesOf(text('labels') as string),
      licence: text('licence'),
    });
    return { ...manifest, doubts };
  } catch (error) {
    if (options.fc6 !== undefined || options.fc8 !== undefined || !isNoClassifier(error)) throw error;
    return { ...(await detector().catch(() => Promise.reject(error))) };
  }
}

/** Refused as a classifier for what it puts out: it may be a detector. */
function isNoClassifier(error: unknown): boolean {
  return error instanceof ServiceError && /class vector|no classifier|not the batch|changes its shape/.test(error.message);
}

function oneOf(flag: string, value: string | undefined, known: readonly string[]): string | undefined {
  if (value === undefined || known.includes(value)) return value;
  throw new ServiceError('JOB_USAGE', { reason: `${flag} is one of ${known.join(', ')}; it is ${value}` });
}

function ruleOf(text: string | undefined): BinarizationRule | undefined {
  if (text === undefined) return undefined;
  const itq = /^itq:(\d+)$/.exec(text);
  if (itq) return { rule: 'itq', bits: Number(itq[1]) };
  return oneOf('--binarization', text, ['positive', 'median']) === 'median' ? 'activation > median' : 'activation > 0';
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
