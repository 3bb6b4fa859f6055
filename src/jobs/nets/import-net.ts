/** A stock ONNX network into a folder the service can use: classifiers for visual features, detectors for objects. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OUTPUT_FORMS } from '../../detection/forms/forms.ts';
import { importDetector } from '../../detection/import/import-detector.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { importClassifier } from '../../vision/import/import-classifier.ts';
import { PREPROCESSING, type PreprocessingFamily } from '../../vision/import/net-families.ts';
import { type BinarizationRule, fileDigest, type NetManifest, RESIZE_RULES } from '../../vision/net-manifest.ts';
import { openSession } from '../../vision/onnx-session.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { listLines, type RecommendedNet, recommendedNet, RECOMMENDED_NETS } from './recommended-nets.ts';

const FAMILIES = Object.keys(PREPROCESSING) as PreprocessingFamily[];

const FLAGS = flags([
  { flag: '--list', meaning: 'only list nets that are worth a try: where they come from, licence, size, commands' },
  { flag: '--file <file>', meaning: 'the ONNX file of a net of --list; its digest is checked where one is known' },
  { flag: '--name <name>', meaning: 'what to call it (of a net of --list: its name)' },
  { flag: '--out <folder>', meaning: 'where net.onnx and manifest.json go (of a net of --list: nets/NAME of the data folder)' },
  {
    flag: '--form <form>',
    meaning: `a detector of this output form (absent: a classifier, or a detector whose form is recognized): ${OUTPUT_FORMS.map((form) => form.name).join(', ')}`,
  },
  { flag: '--fc6 <tensor>', meaning: 'the tensor that plays fc6' },
  { flag: '--fc8 <tensor>', meaning: 'the tensor that plays fc8' },
  { flag: '--preprocess <family>', meaning: `how pixels go in: ${FAMILIES.join(', ')}`, choices: FAMILIES },
  { flag: '--resize <rule>', meaning: `how images are brought to size: ${RESIZE_RULES.join(', ')}`, choices: RESIZE_RULES },
  { flag: '--side <pixels>', meaning: 'side of the input where the graph leaves it free', kind: 'integer', range: [1, 4096] },
  { flag: '--binarization <rule>', meaning: 'positive (activation > 0), median, or itq:BITS' },
  { flag: '--labels <file>', meaning: 'names of classes or labels, one a line' },
  {
    flag: '--first-label <n>',
    meaning: 'detectors: the label number that means the first name (smaller ones are background)',
    kind: 'integer',
    range: [0, 1000],
  },
  {
    flag: '--proposals <n>',
    meaning: 'detectors: at most this many of the highest scored boxes enter suppression',
    kind: 'integer',
    range: [1, 1_000_000],
  },
  { flag: '--objectness-min <s>', meaning: 'detectors with an objectness: boxes below it are left out', kind: 'number', range: [0, 1] },
  { flag: '--licence <text>', meaning: 'the licence of the weights' },
  { flag: '--replace', meaning: 'replace another net in the folder; nothing may be using it' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'import-net',
  summary: 'turns a stock ONNX classifier or detector into a net folder (net.onnx, manifest.json)',
  args: [{ form: '[file]', meaning: 'the ONNX file, or (with --file) a name of --list' }],
  examples: [
    'related-pins import-net --list',
    'related-pins import-net lite2 --file lite2.onnx --data var',
    'related-pins import-net resnet50.onnx --name resnet50 --out var/nets/visual',
    'related-pins import-net vgg16.onnx --name vgg16 --preprocess caffe-bgr-mean --out nets/vgg16 --json',
    'related-pins import-net nanodet.onnx --name nanodet --form nanodet --out var/nets/detectors/nanodet',
    'related-pins import-net ssd.onnx --name ssd --labels coco.names --first-label 1 --proposals 100 --out nets/ssd',
  ],
  options: FLAGS,
  run: async (input) => (input.options.list === true ? { nets: RECOMMENDED_NETS } : importNet(asGiven(input))),
  describe: (receipt) => ('nets' in receipt ? listLines() : describeImport(receipt)),
});

function describeImport(receipt: Awaited<ReturnType<typeof importNet>>): string[] {
  const doubts = 'doubts' in receipt ? receipt.doubts : (receipt as NetManifest).notes;
  return [
    `${receipt.name} (${receipt.kind}) imported, digest ${receipt.sha256.slice(0, 12)}`,
    ...((doubts ?? []) as readonly string[]).map((doubt) => `  please check: ${doubt}`),
  ];
}

/** A net of the list with the flags it needs, those that are given over them; a file's own import as it is. Throws JOB_USAGE, NET_REFUSED. */
function asGiven(input: Input): Input {
  const { args, options, dataFolder } = input;
  const file = options.file;
  if (args[0] === undefined) throw new ServiceError('JOB_USAGE', { reason: 'import-net needs an ONNX file, or --list.' });
  if (file === undefined) {
    if (options.name === undefined || options.out === undefined)
      throw new ServiceError('JOB_USAGE', { reason: 'an ONNX file needs --name and --out; a net of --list needs --file.' });
    return input;
  }
  const net = recommendedNet(args[0]);
  if (!net) {
    const known = RECOMMENDED_NETS.map(({ name }) => name).join(', ');
    throw new ServiceError('JOB_USAGE', { reason: `--file goes with a net of --list (${known}); ${args[0]} is none of them.` });
  }
  checkDigest(net, file);
  const out = join(dataFolder, 'nets', net.name);
  return { ...input, args: [file], options: { ...net.flags, ...options, name: options.name ?? net.name, out: options.out ?? out } };
}

function checkDigest({ name, sha256 }: RecommendedNet, file: string): void {
  if (sha256 === null) return;
  if (!existsSync(file)) throw new ServiceError('NET_REFUSED', { net: name, reason: `there is no file ${file}` });
  const found = fileDigest(file);
  if (found === sha256) return;
  const reason = `${file} has the digest ${found.slice(0, 12)}..., the file that was tried has ${sha256.slice(0, 12)}...; import it as any other file with --name and --out if it is meant`;
  throw new ServiceError('NET_REFUSED', { net: name, reason });
}

async function importNet({ options, args }: Input) {
  const file = resolve(args[0]);
  const { name = '', out = '', preprocess, resize, side, firstLabel, proposals, objectnessMin, fc6, fc8, form, labels } = options;
  const common = { file, name, out: resolve(out), side, licence: options.licence, replace: options.replace === true };
  const detector = () =>
    importDetector({
      ...common,
      form,
      labelsFile: labels,
      firstLabel,
      proposals,
      objectnessMin,
      open: (path) => openSession(path, name, { provider: 'cpu', quiet: true }),
      ...(preprocess || resize ? { input: { ...(preprocess ? PREPROCESSING[preprocess] : {}), ...(resize ? { resize } : {}) } } : {}),
    });
  // Only detectors have these: a flag of them says what it is.
  if ([form, firstLabel, proposals, objectnessMin].some((said) => said !== undefined)) return { ...(await detector()) };
  try {
    const { manifest, doubts } = await importClassifier({
      ...common,
      preprocess,
      resize,
      fc6,
      fc8,
      binarization: ruleOf(options.binarization),
      classes: labels === undefined ? undefined : linesOf(labels),
    });
    return { ...manifest, doubts };
  } catch (error) {
    if (fc6 !== undefined || fc8 !== undefined || !isNoClassifier(error)) throw error;
    try {
      return { ...(await detector()) };
    } catch (other) {
      throw neither(name, error, other);
    }
  }
}

/** Refused as a classifier for what it takes or puts out: it may be a detector. */
function isNoClassifier(error: unknown): boolean {
  return (
    error instanceof ServiceError && /class vector|no classifier|not a batch of images|not the batch|changes its shape/.test(error.message)
  );
}

/** Both refusals: a person knows which of the two the net is meant to be. */
function neither(name: string, asClassifier: unknown, asDetector: unknown): unknown {
  if (!(asDetector instanceof ServiceError) || asDetector.code !== 'NET_REFUSED') return asDetector;
  const reason = (error: unknown): string => (error instanceof ServiceError ? String(error.fields.reason) : reasonOf(error));
  const text = `as a detector: ${reason(asDetector)}; as a classifier: ${reason(asClassifier)}`;
  return new ServiceError('NET_REFUSED', { net: name, reason: text }, asDetector);
}

function ruleOf(text: string | undefined): BinarizationRule | undefined {
  if (text === undefined) return undefined;
  const itq = /^itq:(\d+)$/.exec(text);
  if (itq) return { rule: 'itq', bits: Number(itq[1]) };
  if (text === 'positive') return 'activation > 0';
  if (text === 'median') return 'activation > median';
  throw new ServiceError('JOB_USAGE', { reason: `--binarization is positive, median or itq:BITS; it is ${text}` });
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
