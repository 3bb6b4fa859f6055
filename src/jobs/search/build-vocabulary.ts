/** Learns the words of a catalog's local features, and counts which picture holds which. */
import { counted } from '../../counted.ts';
import { ServiceError } from '../../errors.ts';
import { InvertedFile } from '../../exact/inverted-file.ts';
import { hasLocalFeatures, type LocalFeatureStore, openLocalFeatureStore } from '../../exact/local-feature-store.ts';
import { DESCRIPTOR_WORDS } from '../../exact/local-features.ts';
import { followStore, type Vocabulary, writeVocabulary } from '../../exact/vocabulary.ts';
import { trainTree } from '../../exact/vocabulary-tree.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  {
    flag: '--depth <n>',
    meaning: 'levels of the tree; each has ten times the words of the one before',
    kind: 'integer',
    range: [4, 6],
    default: 5,
  },
  { flag: '--sample <n>', meaning: 'descriptors that it learns from', kind: 'integer', range: [1000, 10_000_000], default: 300_000 },
  { flag: '--seed <number>', meaning: 'seed of the tree', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

const BRANCHING = 10;
/** Pictures between two looks at the signal. */
const PIECE = 500;

export const job = defineJob({
  name: 'build-vocabulary',
  summary: 'learns the words of local features and which picture holds which; a running server follows. See docs/MARKS.md',
  examples: ['related-pins build-vocabulary --data var', 'related-pins build-vocabulary --depth 6 --sample 2000000 --json'],
  options: FLAGS,
  alone: () => true,
  run: buildVocabulary,
  describe: ({ pictures, words, bytes, seconds }) => [
    `${counted(pictures, 'picture')} in ${counted(words, 'word')}, ${(bytes / 2 ** 20).toFixed(1)} MiB, in ${(seconds.learning + seconds.counting).toFixed(1)} s`,
    'visual search in the mode exact-product now compares key points; refresh adds new pictures',
  ],
});

async function buildVocabulary(input: Input) {
  const { dataFolder, options, progress, signal } = input;
  const startedAt = performance.now();
  const absent = new ServiceError('NOTHING_TO_DO', { reason: 'No picture has local features yet; extract-local-features comes first.' });
  if (!hasLocalFeatures(dataFolder)) throw absent;
  const store = openLocalFeatureStore(dataFolder);
  try {
    const sample = sampled(store, options.sample);
    if (sample.length === 0) throw absent;
    const descriptors = sample.length / DESCRIPTOR_WORDS;
    progress.start('learning words', descriptors);
    const tree = trainTree(sample, { branching: BRANCHING, depth: options.depth, seed: options.seed }, (done) => progress.update(done));
    const trainedAt = performance.now();
    const vocabulary: Vocabulary = { tree, words: new InvertedFile(tree.words), sequence: 0 };
    progress.start('pictures', store.count());
    while (followStore(vocabulary, store, PIECE)) {
      progress.update(vocabulary.words.size);
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    }
    vocabulary.words.weigh();
    progress.stop();
    const artifact = writeVocabulary(dataFolder, vocabulary, { seed: options.seed, descriptors });
    const seconds = (from: number, to: number): number => Math.round(to - from) / 1000;
    return {
      pictures: vocabulary.words.size,
      words: tree.words,
      descriptors,
      bytes: vocabulary.words.bytes + tree.centres.byteLength,
      artifact,
      seconds: { learning: seconds(startedAt, trainedAt), counting: seconds(trainedAt, performance.now()) },
    };
  } finally {
    store.close();
  }
}

/** About `most` descriptors, evenly from all pictures; of each those at equal steps, so that all scales are among them. */
function sampled(store: LocalFeatureStore, most: number): Uint32Array {
  const step = Math.max(1, store.keyPoints() / most);
  const taken: number[] = [];
  let [seen, next] = [0, 0];
  for (const { features } of store.changedSince(0)) {
    if (features === null) continue;
    for (; next < seen + features.count; next += step) {
      const at = (Math.floor(next) - seen) * DESCRIPTOR_WORDS;
      for (let word = 0; word < DESCRIPTOR_WORDS; word++) taken.push(features.descriptors[at + word]);
    }
    seen += features.count;
  }
  return Uint32Array.from(taken);
}
