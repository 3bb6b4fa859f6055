/** Teaches a mark by pictures of it, without training, or forgets it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { counted } from '../../counted.ts';
import { ServiceError, reasonOf } from '../../errors.ts';
import { withMarkEyes } from '../../marks/mark-eyes.ts';
import { hasMarks, type MarkStore, openMarkStore, type TaughtPicture } from '../../marks/mark-store.ts';
import { lookAtMark } from '../../marks/picture-views.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

/** Pictures of one label: more than a few views of a flat thing add nothing. */
const PICTURES_MOST = 20;
const LABEL_MOST = 200;
/** Key points without which a picture is never found. */
const KEY_POINTS_MIN = 20;

const FLAGS = flags([
  { flag: '--label <text>', meaning: 'what the mark is called', required: true },
  { flag: '--forget', meaning: 'take the label away, with all that was found of it' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'teach-mark',
  summary: 'teaches a mark (a logo, a label) by a few pictures that show it and little else; find-marks looks for it. See docs/MARKS.md',
  examples: [
    'related-pins teach-mark --label Acme acme.png acme-dark.png',
    'related-pins teach-mark --label "Blue Star" star/*.jpg --data var',
    'related-pins teach-mark --label Acme --forget --json',
  ],
  args: [{ form: '[images...]', meaning: 'pictures of the mark, cut close; a label keeps those taught before' }],
  options: FLAGS,
  alone: () => true,
  run: teachMark,
  describe: ({ label, added, forgotten, pictures, labels }) => [
    forgotten > 0
      ? `${label} is forgotten; pictures that taught it: ${forgotten}`
      : `${label}: pictures added: ${added}, in all: ${pictures}`,
    labels > 0 ? `labels taught: ${labels}; find-marks looks for them in all pictures` : 'no label is taught any more',
  ],
});

async function teachMark(input: Input) {
  const { dataFolder, options, args } = input;
  const label = options.label.trim();
  if (label === '' || label.length > LABEL_MOST) throw usage(`--label: 1 to ${LABEL_MOST} characters`);
  if (options.forget === true && args.length > 0) throw usage('--forget takes no images');
  if (options.forget !== true && args.length === 0) throw usage('name at least one picture of the mark');
  if (options.forget !== true) return taught(input, label);
  const forgotten = hasMarks(dataFolder) ? withStore(input, (store) => store.forget(label)) : 0;
  if (forgotten === 0) throw new ServiceError('NOTHING_TO_DO', { reason: `No mark is called "${label}".` });
  return { label, added: 0, forgotten, pictures: 0, labels: withStore(input, (store) => store.labels().length) };
}

function withStore<Result>({ config, dataFolder }: Input, work: (store: MarkStore) => Result): Result {
  const store = openMarkStore(dataFolder, { synchronous: config.synchronous });
  try {
    return work(store);
  } finally {
    store.close();
  }
}

/** The store is made last: a refused picture must not leave one that says that marks are taught. */
async function taught(input: Input, label: string) {
  const { config, dataFolder, args } = input;
  const pictures = args.map(read);
  const known = hasMarks(dataFolder) ? withStore(input, (store) => store.taught().filter((one) => one.label === label)) : [];
  const digests = new Set([...known, ...pictures].map(({ digest }) => digest));
  if (digests.size > PICTURES_MOST) throw usage(`a label has at most ${PICTURES_MOST} pictures, "${label}" would have ${digests.size}`);
  const rows = await withMarkEyes({ config, dataFolder, workers: 1 }, async (eyes) => {
    const rows: TaughtPicture[] = [];
    for (const { file, digest, picture } of pictures) {
      const view = await lookAtMark(picture, eyes);
      if (view.features.count < KEY_POINTS_MIN)
        throw usage(`${file}: too plain, it has ${counted(view.features.count, 'key point')} and needs ${KEY_POINTS_MIN}`);
      rows.push({ label, digest, picture, madeBy: eyes.madeBy, view });
    }
    return rows;
  });
  const labels = withStore(input, (store) => {
    store.teach(rows, Date.now());
    return store.labels().length;
  });
  return { label, added: digests.size - known.length, forgotten: 0, pictures: digests.size, labels };
}

function read(file: string) {
  try {
    const picture = readFileSync(file);
    return { file, picture, digest: createHash('sha256').update(picture).digest('hex') };
  } catch (error) {
    throw usage(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

function usage(reason: string): ServiceError {
  return new ServiceError('JOB_USAGE', { reason });
}
