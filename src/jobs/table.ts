/** The jobs of `related-pins`: name, one line, and the module, loaded only when the job is called. */
import type { Job } from './job.ts';

export type JobRow = readonly [string, string, () => Promise<{ job: Job }>];

export interface JobGroup {
  readonly title: string;
  readonly jobs: readonly JobRow[];
}

/** Jobs by noun, in the order a catalog meets them. `--help` and docs/JOBS.md show these groups. */
export const JOB_GROUPS: readonly JobGroup[] = [
  {
    title: 'Catalog',
    jobs: [
      ['open', 'from a folder of photos to a page, in one command', () => import('./catalog/open.ts')],
      ['import-catalog', 'read pins, boards and saves into the catalogue', () => import('./catalog/import-catalog.ts')],
      ['refresh', 'do what is due after new pins: extract, detect, index, build, group', () => import('./catalog/refresh.ts')],
      ['remove-pins', 'take pins out of everything at once, or bring them back', () => import('./catalog/remove-pins.ts')],
      ['erase-user', "erase one user's data everywhere, and prove it", () => import('./catalog/erase-user.ts')],
      ['rename-users', 'give stored users the names of the present user key', () => import('./catalog/rename-users.ts')],
    ],
  },
  {
    title: 'Nets and features',
    jobs: [
      ['import-net', 'turn a stock ONNX network into a net folder', () => import('./nets/import-net.ts')],
      ['extract-features', 'compute codes, class scores and fingerprints of new images', () => import('./nets/extract-features.ts')],
      ['detect-objects', 'find the objects in every image, and describe the dominant ones', () => import('./nets/detect-objects.ts')],
      ['switch-net', 'make another net serve, with its features, lists and model', () => import('./nets/switch-net.ts')],
      ['roll-back-net', 'take the last switch of nets back', () => import('./nets/roll-back-net.ts')],
      ['drop-features', 'drop the features of a net that no longer serves', () => import('./nets/drop-features.ts')],
      ['tune-net', 'learn from the catalogue’s own boards what looks alike, without Python', () => import('./nets/tune-net.ts')],
      ['evaluate-features', 'precision at k of nets, layers and codes on labelled images', () => import('./nets/evaluate-features.ts')],
      ['evaluate-detector', 'measure a detector on photos with true boxes', () => import('./nets/evaluate-detector.ts')],
      [
        'make-evaluation-set',
        'write a balanced set of labelled images from frequent annotations',
        () => import('./nets/make-evaluation-set.ts'),
      ],
    ],
  },
  {
    title: 'Candidates',
    jobs: [
      [
        'build-candidates',
        'count co-occurrence and visual neighbour lists, and swap them in',
        () => import('./candidates/build-candidates.ts'),
      ],
      [
        'import-vectors',
        'read embeddings of pins from any model: a source and a ranking feature',
        () => import('./candidates/import-vectors.ts'),
      ],
      ['evaluate-candidates', 'measure co-occurrence lists on held-out saves', () => import('./candidates/evaluate-candidates.ts')],
      ['evaluate-home-feed', 'measure home feeds on saves that were held out', () => import('./candidates/evaluate-home-feed.ts')],
    ],
  },
  {
    title: 'Visual search',
    jobs: [
      ['index-objects', 'describe every object’s crop for object search and dots', () => import('./search/index-objects.ts')],
      [
        'extract-local-features',
        'find key points in new pictures, for the search for the very same thing',
        () => import('./search/extract-local-features.ts'),
      ],
      [
        'build-vocabulary',
        'learn the words of local features, and which picture holds which',
        () => import('./search/build-vocabulary.ts'),
      ],
      ['teach-mark', 'teach a mark (a logo) by pictures, or forget it', () => import('./search/teach-mark.ts')],
      ['find-marks', 'find the taught marks in all pictures', () => import('./search/find-marks.ts')],
      ['fit-search', 'fit the thresholds of object dots and the exact-product distance', () => import('./search/fit-search.ts')],
      [
        'evaluate-visual-search',
        'measure crops, scenes and dots on photos with true boxes',
        () => import('./search/evaluate-visual-search.ts'),
      ],
    ],
  },
  {
    title: 'Models',
    jobs: [
      ['replay-saves', 'make a first training log from saves that are held out', () => import('./log/replay-saves.ts')],
      ['train-ranker', 'learn a ranking model from the log, or from a LETOR file', () => import('./models/train-ranker.ts')],
      ['evaluate-ranker', 'measure a ranking model beside its baselines', () => import('./models/evaluate-ranker.ts')],
      ['promote-model', 'make a model serve, try it on a share, or let it score in the dark', () => import('./models/promote-model.ts')],
      ['roll-back-model', 'take the last promotion back', () => import('./models/roll-back-model.ts')],
      ['list-models', 'the models, which one serves, the promotions so far', () => import('./models/list-models.ts')],
      ['diff-models', 'two models, feature by feature', () => import('./models/diff-models.ts')],
      ['export-model', 'a linear model as flat JSON, for Solr or for OpenSearch', () => import('./models/export-model.ts')],
      ['import-model', 'a linear model of this or another engine', () => import('./models/import-model.ts')],
      ['report-dark-reads', 'how lists would differ under a model in the dark', () => import('./models/report-dark-reads.ts')],
    ],
  },
  {
    title: 'Log',
    jobs: [
      ['report-log', 'what was served and done, by day', () => import('./log/report-log.ts')],
      ['export-rows', 'the training rows of the log as a LETOR file', () => import('./log/export-rows.ts')],
      ['prune-log', 'delete old lists and events, reports stay', () => import('./log/prune-log.ts')],
    ],
  },
  {
    title: 'Experiments',
    jobs: [
      ['define-experiment', 'check an experiment definition and keep it as a draft', () => import('./experiments/define-experiment.ts')],
      ['start-experiment', 'start an experiment', () => import('./experiments/start-experiment.ts')],
      ['ramp-experiment', 'widen the share of units that take part', () => import('./experiments/ramp-experiment.ts')],
      ['stop-experiment', 'stop an experiment', () => import('./experiments/stop-experiment.ts')],
      ['archive-experiment', 'put a draft or a stopped experiment away', () => import('./experiments/archive-experiment.ts')],
      ['list-experiments', 'the experiments, their state, verdict and health', () => import('./experiments/list-experiments.ts')],
      ['report-experiment', 'report an experiment: verdict, lifts, intervals, health', () => import('./experiments/report-experiment.ts')],
      ['forecast-experiment', 'what an experiment could find before it starts', () => import('./experiments/forecast-experiment.ts')],
      [
        'replay-treatment',
        'what a treatment that never served would have earned, by the shuffled share of the log',
        () => import('./experiments/replay-treatment.ts'),
      ],
      [
        'start-study',
        "make a blind study of two treatments' lists, judged on the page /judge",
        () => import('./experiments/start-study.ts'),
      ],
    ],
  },
  {
    title: 'Service',
    jobs: [
      ['serve', 'answer over HTTP: closeups, home feeds, events, upserts, the pages', () => import('./operation/serve.ts')],
      ['doctor', 'look at an installation and say what is wrong', () => import('./operation/doctor.ts')],
      ['publish-artifacts', 'publish what nodes serve from', () => import('./operation/publish-artifacts.ts')],
      ['back-up', 'copy the data folder, whole and with digests, while the service runs', () => import('./operation/back-up.ts')],
      ['restore', 'check a backup and lay it out as a new data folder', () => import('./operation/restore.ts')],
      ['shard', 'do one piece of a job that was dealt to many machines', () => import('./operation/shard.ts')],
      ['schedule-job', 'when the service runs a job by itself', () => import('./operation/schedule-job.ts')],
      ['create-key', 'make an access key and show it once', () => import('./operation/create-key.ts')],
      ['list-keys', 'list the access keys and what they may do', () => import('./operation/list-keys.ts')],
      ['revoke-key', 'take an access key back, at once', () => import('./operation/revoke-key.ts')],
    ],
  },
];

export const JOBS: readonly JobRow[] = JOB_GROUPS.flatMap(({ jobs }) => jobs);
