/** Teaches a mark by pictures of it, without training, or forgets it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ServiceError, reasonOf } from '../../errors.ts';
import { withMarkEyes } from '../../marks/mark-eyes.ts';
import { type MarkStore, openMarkStore, type TaughtPicture } from '../../marks/mark-store.ts';
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
  summary: 'teaches a mark (a logo, a label) by a few pictures that show it and little else; find-marks looks for it',
  examples: ['related-pins teach-mark --label Acme acme.png acme-dark.png', 'related-pins teach-mark --label Acme --forget --json'],
  args: [{ form: '[images...]', meaning: 'pictures of the mark, cut close; a label keeps those taught before' }],
  options: FLAGS,
  alone: () => true,
  run: teachMark,
  describe: ({ label, added, forgotten, pictures, labels }) => [
    forgotten > 0 ? `${label} is forgotten, with ${forgotten} pictures` : `${label}: ${added} pictures added, ${pictures} in all`,
    `${labels} labels are taught; find-marks looks for them`,
  ],
});

async function teachMark(input: Input) {
  const { config, dataFolder, options, args } = input;
  const label = options.label.trim();
  if (label === '' || label.length > LABEL_MOST) throw usage(`--label: 1 to ${LABEL_MOST} characters`);
  if (options.forget === true && args.length > 0) throw usage('--forget takes no images');
  if (options.forget !== true && args.length === 0) throw usage('name at least one picture of the mark');
  const store = openMarkStore(dataFolder, { synchronous: config.synchronous });
  try {
    if (options.forget !== true) return await taught(input, label, store);
    const forgotten = store.forget(label);
    if (forgotten === 0) throw new ServiceError('NOTHING_TO_DO', { reason: `No mark is called "${label}".` });
    return { label, added: 0, forgotten, pictures: 0, labels: store.labels().length };
  } finally {
    store.close();
  }
}

async function taught({ config, dataFolder, args }: Input, label: string, store: MarkStore) {
  const pictures = args.map(read);
  const known = store.taught().filter((one) => one.label === label);
  const digests = new Set([...known, ...pictures].map(({ digest }) => digest));
  if (digests.size > PICTURES_MOST) throw usage(`a label has at most ${PICTURES_MOST} pictures, "${label}" would have ${digests.size}`);
  await withMarkEyes({ config, dataFolder, workers: 1 }, async (eyes) => {
    const rows: TaughtPicture[] = [];
    for (const { file, digest, picture } of pictures) {
      const view = await lookAtMark(picture, eyes);
      if (view.features.count < KEY_POINTS_MIN)
        throw usage(`${file}: too plain, it has ${view.features.count} key points and needs ${KEY_POINTS_MIN}`);
      rows.push({ label, digest, picture, madeBy: eyes.madeBy, view });
    }
    store.teach(rows, Date.now());
  });
  return { label, added: digests.size - known.length, forgotten: 0, pictures: digests.size, labels: store.labels().length };
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
