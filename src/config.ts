/**
 * Every setting of the service in one table. This is the only reader of the environment: it is parsed once at start,
 * frozen, and passed down as plain values. `.env.example` and docs/SETTINGS.md are made from it by
 * `node scripts/write-tables.mjs`; `test/rules/documents.test.ts` compares.
 */
import { readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { ServiceError } from './errors.ts';
import { projectRoot } from './worker-url.ts';

type Kind = 'text' | 'number' | 'integer' | 'boolean' | 'list' | 'choice';

interface Setting<K extends Kind = Kind, C extends string = string> {
  readonly env: string;
  readonly kind: K;
  readonly default: string;
  readonly unit: string;
  readonly meaning: string;
  /** Of a number: the least and the greatest value; at least 0 unless said otherwise. */
  readonly range?: readonly [number, number];
  /** Of a choice: what it may be. */
  readonly choices?: readonly C[];
}

const setting = <K extends Exclude<Kind, 'choice'>>(
  env: string,
  kind: K,
  fallback: string,
  unit: string,
  meaning: string,
  range?: readonly [number, number],
): Setting<K> => ({ env: `RELATED_PINS_${env}`, kind, default: fallback, unit, meaning, range });

const choice = <const T extends readonly string[]>(
  env: string,
  choices: T,
  fallback: T[number],
  meaning: string,
): Setting<'choice', T[number]> => ({
  env: `RELATED_PINS_${env}`,
  kind: 'choice',
  default: fallback,
  unit: '',
  meaning,
  choices,
});

/** Under the names that the tools of Amazon and of other stores have for it. */
const ofAws = (env: string, fallback: string, meaning: string): Setting<'text'> => ({
  env: `AWS_${env}`,
  kind: 'text',
  default: fallback,
  unit: '',
  meaning,
});

/** Ports there are; 0 asks for a free one. */
export const PORTS = [0, 65_535] as const;

export const SETTINGS = {
  data: setting('DATA', 'text', './var', 'folder', 'Where all run-time state lives.'),
  host: setting('HOST', 'text', '127.0.0.1', '', 'Address to listen on; beyond loopback a key is required.'),
  port: setting('PORT', 'integer', '8080', '', 'Port to listen on; 0 picks a free one.', PORTS),
  hosts: setting(
    'HOSTS',
    'list',
    '',
    '',
    'Names under which it is asked (`Host`), by commas; empty: any, and without a key only loopback.',
  ),
  origins: setting(
    'ORIGINS',
    'list',
    '',
    '',
    'Origins of other sites whose pages may send requests (`https://shop.example`), by commas; its own pages always may.',
  ),
  proxies: setting(
    'PROXIES',
    'list',
    '',
    'addresses',
    'Proxies in front, by address or network (`10.0.0.0/8`): their `X-Forwarded-For` names the caller; empty: no proxy is trusted.',
  ),
  keys: setting(
    'KEYS',
    'list',
    '',
    '',
    'Keys that may do everything, 24 characters at least, by commas; scoped keys are made by `create-key`.',
  ),
  userKey: setting(
    'USER_KEY',
    'text',
    '',
    '',
    'Secret with which user and session ids are hashed before anything is stored; empty: stored as they come.',
  ),
  userKeysBefore: setting(
    'USER_KEYS_BEFORE',
    'list',
    '',
    '',
    'Secrets that were `RELATED_PINS_USER_KEY` before the present one, oldest first, by commas; then run `rename-users`.',
  ),
  readKeyRequired: setting(
    'READ_KEY_REQUIRED',
    'text',
    'auto',
    '',
    'Ask for a key also where nothing is written: true, false, or auto (true beyond loopback, and behind a proxy: with `RELATED_PINS_PROXIES`, or with other names than loopback in `RELATED_PINS_HOSTS`).',
  ),
  logLevel: choice('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info', 'How much is logged.'),
  redisUrl: setting(
    'REDIS_URL',
    'text',
    '',
    'URL',
    'Redis to share hot state between processes (several addresses, by commas: a cluster); empty: one process does it all.',
  ),
  workers: setting(
    'WORKERS',
    'integer',
    '1',
    'threads',
    'Threads that serve lists on the port; above 1, another one does all writing. Linux only.',
    [1, 256],
  ),
  publish: setting(
    'PUBLISH',
    'text',
    '',
    '',
    'Where `publish-artifacts` publishes when it is not told: a folder that all nodes see, or `s3://bucket/prefix`.',
  ),
  follow: setting(
    'FOLLOW',
    'text',
    '',
    '',
    'Where `publish-artifacts` publishes: this process is then a node, which serves lists from it. Empty: it serves its data folder.',
  ),
  writer: setting('WRITER', 'text', '', 'URL', 'Of a node: the service that writes, such as `http://writer:8080`.'),
  writerKey: setting('WRITER_KEY', 'text', '', '', 'Of a node: the key of the scope `lists` with which it hands in what it served.'),
  awsKeyId: ofAws('ACCESS_KEY_ID', '', 'For `s3://`: the key that reads the bucket, and on the writer writes it.'),
  awsSecret: ofAws('SECRET_ACCESS_KEY', '', 'The secret of that key.'),
  awsToken: ofAws('SESSION_TOKEN', '', 'Of temporary credentials: their token.'),
  awsRegion: ofAws('REGION', 'us-east-1', 'The region of the bucket; other stores say what they want here.'),
  s3Endpoint: ofAws('ENDPOINT_URL_S3', '', 'Address of a store of another maker, such as `https://s3.example`; empty: AWS_ENDPOINT_URL.'),
  awsEndpoint: ofAws('ENDPOINT_URL', '', 'The same for all that speak to Amazon; empty: Amazon S3 in that region.'),
  replyCacheMs: setting(
    'REPLY_CACHE_MS',
    'integer',
    '0',
    'ms',
    'How long a closeup without a personal part may be answered from the cache; 0: every list is made again.',
    [0, 3_600_000],
  ),
  tracesUrl: setting(
    'TRACES_URL',
    'text',
    '',
    'URL',
    'OTLP/HTTP address for traces (`http://collector:4318/v1/traces`); needs the packages of OpenTelemetry; empty: none.',
  ),
  maxInFlight: setting(
    'MAX_IN_FLIGHT',
    'integer',
    '256',
    'requests',
    'Reads answered at the same time, and as many writes; more are refused with 503.',
    [1, 1_000_000],
  ),
  requestTimeoutMs: setting(
    'REQUEST_TIMEOUT_MS',
    'integer',
    '30000',
    'ms',
    'Longest time for a request to arrive, and again for its reply to be made.',
    [100, 3_600_000],
  ),
  rateLimit: setting(
    'RATE_LIMIT',
    'integer',
    '0',
    'requests/s',
    'Requests per second of one key (without a key: of one address); 0: no limit.',
    [0, 1_000_000],
  ),
  uploadLimitBytes: setting('UPLOAD_LIMIT_BYTES', 'integer', '20971520', 'bytes', 'Largest accepted image file.', [1024, 2 ** 31]),
  imagePrivateUrls: setting(
    'IMAGE_PRIVATE_URLS',
    'boolean',
    'false',
    '',
    'Allow image addresses on private, loopback and link-local networks.',
  ),
  imageUserAgent: setting('IMAGE_USER_AGENT', 'text', 'related-pins (image fetch)', '', 'User-Agent of requests for images by address.'),
  imageHostDelayMs: setting(
    'IMAGE_HOST_DELAY_MS',
    'integer',
    '0',
    'ms',
    'Least time between two requests for images to one host; never more than eight at a time.',
    [0, 60_000],
  ),
  synchronous: choice(
    'SYNCHRONOUS',
    ['NORMAL', 'FULL'],
    'NORMAL',
    'SQLite durability: NORMAL survives a killed process, FULL also a power cut.',
  ),
  categories: setting('CATEGORIES', 'text', '', 'file', 'JSON list of site-wide categories; empty: the 32 of data/categories.json.'),
  sources: setting(
    'SOURCES',
    'list',
    'board-cooccurrence,visual-neighbors,vectors:0.2,annotations:0.5,popular-in-category:0.2,remembered-winners',
    '',
    'Candidate sources of lists whose treatment names none; `:share` is the largest share of the candidates a source gives. `vectors`: all imported vectors, `vectors-NAME` those of one name.',
  ),
  candidateLimit: setting('CANDIDATE_LIMIT', 'integer', '1000', 'pins', 'Candidates ranked per request.', [1, 100_000]),
  shuffledShare: setting(
    'SHUFFLED_SHARE',
    'number',
    '0.01',
    'share',
    'Share of closeups served shuffled, for position bias and replay.',
    [0, 1],
  ),
  serveLog: setting('SERVE_LOG', 'boolean', 'true', '', 'Log served lists; without them nothing is learned and no experiment counts.'),
  objectScoreMin: setting('OBJECT_SCORE_MIN', 'number', '0.3', 'score', 'Detections below are ignored.', [0, 1]),
  dominantAreaMin: setting(
    'DOMINANT_AREA_MIN',
    'number',
    '0.25',
    'share',
    'The dominant object covers at least this share of the image ...',
    [0, 1],
  ),
  dominantScoreMin: setting('DOMINANT_SCORE_MIN', 'number', '0.9', 'score', '... or its own confidence is over this.', [0, 1]),
  inferenceWorkers: setting('INFERENCE_WORKERS', 'integer', '1', 'threads', 'Inference threads of the serving process.', [1, 256]),
  executionProvider: choice(
    'EXECUTION_PROVIDER',
    ['auto', 'cuda', 'cpu'],
    'auto',
    'Where nets run; auto: CUDA when the runtime has it, else the CPU.',
  ),
  sparkSubmit: setting(
    'SPARK_SUBMIT',
    'text',
    'spark-submit',
    'file',
    'Program that starts a job on Apache Spark, for jobs with `--on spark`; a name is looked for on PATH.',
  ),
  sparkProgram: setting(
    'SPARK_PROGRAM',
    'list',
    '',
    '',
    'How machines of Spark call this program, words by commas (`node,/srv/related-pins/dist/src/cli.js`); empty: as it is called here.',
  ),
  webhook: setting(
    'WEBHOOK',
    'text',
    '',
    'URL',
    'Where a changed verdict of an experiment is sent as JSON (with a `text` for chat services); empty: nowhere.',
  ),
  experimentHoldout: setting('EXPERIMENT_HOLDOUT', 'number', '0', 'share', 'Share of units kept out of every experiment.', [0, 1]),
  classScoreBytes: setting(
    'CLASS_SCORE_BYTES',
    'integer',
    '268435456',
    'bytes',
    'Class scores of a net without a short code of fc8 are resident up to this size, read on demand beyond.',
    [0, 2 ** 40],
  ),
} as const satisfies Record<string, Setting>;

type ValueOf<S extends Setting> =
  S extends Setting<'choice', infer C>
    ? C
    : S['kind'] extends 'text'
      ? string
      : S['kind'] extends 'boolean'
        ? boolean
        : S['kind'] extends 'list'
          ? readonly string[]
          : number;

/** Numbers that no operator has to choose. Tests and benches put others in their place. */
const FIXED = {
  /** Hot replies kept in this process when there is no Redis. */
  cacheBytes: 64 * 2 ** 20,
  /** Largest accepted request body that is no image. */
  bodyLimitBytes: 8 * 2 ** 20,
  /** Image work (crops, uploads, thumbnails) done at the same time; more is refused with 503. */
  heavyInFlight: 64,
  /** A read whose turn comes later is refused with 503; writes wait five times as long. */
  queueWaitMs: 250,
  /** Open connections; more are closed at once. */
  maxConnections: 20_000,
  /** How long a stopping server still answers everything, so that callers move on, before it stops listening. */
  drainMs: 500,
  /** Pixels of the largest accepted image. */
  imagePixelLimit: 100_000_000,
  /** Longest time a served list or event waits for its group commit. */
  groupCommitMs: 20,
  /** Candidates not returned whose feature rows are logged as well. */
  unservedRows: 5,
  /** Lists that a node keeps, in bytes on disk, until the writer has them; later ones are dropped and counted. */
  queuedListBytes: 2 ** 30,
  /** Longest wait for visual features or objects that are computed on demand; then 503 with Retry-After. */
  visualWaitMs: 5000,
};

export type Config = { readonly [N in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[N]> } & Readonly<typeof FIXED>;

/** Former settings, and what took their place. A server that still gets one does not start. */
const GONE: Readonly<Record<string, string>> = {
  COOCCURRENCE_METHOD: 'use --method of build-candidates',
  COOCCURRENCE_NEIGHBORS: 'use --neighbors of build-candidates',
  COOCCURRENCE_ALPHA: 'use --alpha of build-candidates',
  COOCCURRENCE_BETA: 'use --beta of build-candidates',
  COOCCURRENCE_SHRINK: 'use --shrink of build-candidates',
  COOCCURRENCE_WEIGHTING: 'use --weighting of build-candidates',
  COOCCURRENCE_DAMPING: 'use --damping of build-candidates',
  COOCCURRENCE_BOARD_CAP: 'use --board-cap of build-candidates',
  VISUAL_NEIGHBORS: 'use --visual-neighbors of build-candidates',
  JOB_THREADS: 'use --threads of build-candidates',
  LOG_DAYS: 'use --keep-days of prune-log',
  LOG_ROW_DAYS: 'use --keep-rows-days of prune-log',
  INFERENCE_THREADS: 'use --threads of extract-features',
  INFERENCE_BATCH: 'use --batch of extract-features',
  ...Object.fromEntries(
    Object.entries(FIXED).map(([name, value]) => [name.replace(/[A-Z]/g, '_$&').toUpperCase(), `it is always ${value}`]),
  ),
};

/** Never said back, in a message or anywhere. */
const SECRET: ReadonlySet<string> = new Set(['keys', 'userKey', 'userKeysBefore', 'writerKey', 'awsKeyId', 'awsSecret', 'awsToken']);

/** Shorter keys can be guessed. */
const KEY_LENGTH_MIN = 24;

/** Others can't stand in an Authorization header. */
const SENDABLE = /^[\x21-\x7e]+$/;

const CHECKS: Partial<Record<keyof Config, (value: never) => string | null>> = {
  keys: (values: readonly string[]) =>
    values.every((value) => value.length >= KEY_LENGTH_MIN && SENDABLE.test(value))
      ? null
      : `must have ${KEY_LENGTH_MIN} characters at least each, of ASCII and no space (openssl rand -hex 24 makes one)`,
  writer: (value: string) => (value === '' ? null : writerProblem(value)),
  origins: (values: readonly string[]) => (values.every(isOrigin) ? null : 'must be origins such as https://shop.example'),
  proxies: (values: readonly string[]) => (values.every(isNetwork) ? null : 'must be addresses or networks such as 10.0.0.0/8'),
  readKeyRequired: (value: string) => (/^(auto|true|1|yes|false|0|no)$/.test(value) ? null : 'must be true, false or auto'),
  userKey: (value: string) => (value === '' || value.trim().length >= 16 ? null : 'must have 16 characters at least'),
  userKeysBefore: (values: readonly string[]) =>
    values.every((value) => value.length >= 16) ? null : 'must have 16 characters at least each',
  sources: sourcesProblem,
  categories: (file: string) => (categoriesIn(file) ? null : 'must be a JSON file with a list of names'),
};

const SOURCE =
  /^(board-cooccurrence|visual-neighbors|annotations|popular-in-category|remembered-winners|vectors(?:-[a-z0-9][a-z0-9-]*)?)(?::(0?\.\d+|1))?$/;

function sourcesProblem(value: readonly string[]): string | null {
  if (value.length === 0) return 'must name at least one source';
  const wrong = value.find((entry) => !SOURCE.test(entry));
  return wrong === undefined ? null : `must hold sources, each with :share within 0..1 or without; "${wrong}" is none`;
}

/** The names in a file of categories, the shipped 32 without one; null: it cannot be read. */
function categoriesIn(file: string): readonly string[] | null {
  try {
    const names: unknown = JSON.parse(readFileSync(file === '' ? new URL('data/categories.json', projectRoot()) : file, 'utf8'));
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? Object.freeze(names) : null;
  } catch {
    return null;
  }
}

/**
 * The site-wide categories of this process. Columns of the ranker are named after them before any setting is parsed, so they are
 * read here at once; `readConfig` refuses a file that is none before anything is served or trained.
 */
export const SITE_CATEGORIES: readonly string[] = categoriesIn(process.env.RELATED_PINS_CATEGORIES ?? '') ?? [];

/**
 * Reads and checks all settings; `overrides` (command-line flags) win over the environment.
 * Throws CONFIG_INVALID with every problem listed together.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env, overrides: Partial<Config> = {}): Config {
  const problems = Object.entries(GONE).flatMap(([name, instead]) =>
    env[`RELATED_PINS_${name}`] === undefined ? [] : [`RELATED_PINS_${name} is no setting any more: ${instead}`],
  );
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(SETTINGS)) {
    const value = parse(row, env[row.env] ?? row.default, problems);
    values[name] = (overrides as Record<string, unknown>)[name] ?? value;
    const problem = outside(row, values[name]) ?? CHECKS[name as keyof Config]?.(values[name] as never);
    if (problem) problems.push(`${row.env} ${problem}${SECRET.has(name) ? '' : `, it is ${JSON.stringify(values[name])}`}`);
  }
  if (problems.length > 0) throw new ServiceError('CONFIG_INVALID', { problems: problems.join('; ') });
  return Object.freeze({ ...FIXED, ...values, ...overrides }) as Config;
}

/** Set by the program for the process that it starts under another Node, by a caller for the clients, for the benches. */
const OTHERS = ['RELATED_PINS_LAUNCHER', 'RELATED_PINS_KEY', 'RELATED_PINS_BENCH_PYTHON'];
/** Kubernetes gives every container the addresses of a service that is named like this program. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/;

/** Names of the environment that look like a setting and are none: a typo would change nothing and say nothing. */
export function strangeSettings(env: NodeJS.ProcessEnv): readonly string[] {
  const known = new Set([...Object.values(SETTINGS).map((row: Setting) => row.env), ...OTHERS]);
  return Object.keys(env).filter((name) => name.startsWith('RELATED_PINS_') && !known.has(name) && !OF_KUBERNETES.test(name));
}

/** Why a node can't be one by these settings; null: it can. */
export function nodeProblem({ follow, writer }: Pick<Config, 'follow' | 'writer'>): string | null {
  if (follow === '' || writer === '') return 'a node needs both --follow and --writer (RELATED_PINS_FOLLOW, RELATED_PINS_WRITER)';
  const problem = writerProblem(writer);
  return problem && `--writer ${problem}, it is ${JSON.stringify(writer)}`;
}

function writerProblem(url: string): string | null {
  return isOrigin(url.replace(/\/$/, '')) ? null : 'must be an address such as http://writer:8080';
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text.toLowerCase();
}

function isNetwork(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text);
}

/** Why a value is no choice of its setting or outside its range; null when it is allowed. */
function outside(row: Setting, value: unknown): string | null {
  if (row.choices) return row.choices.includes(String(value)) ? null : `must be ${oneOf(row.choices)}`;
  if (typeof value !== 'number' || Number.isNaN(value)) return null;
  const [least, greatest] = row.range ?? [0, Number.MAX_SAFE_INTEGER];
  return value >= least && value <= greatest ? null : `must lie within ${least}..${greatest}`;
}

const oneOf = (choices: readonly string[]): string => `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;

function parse(row: Setting, text: string, problems: string[]): unknown {
  if (row.kind === 'text' || row.kind === 'choice') return text;
  if (row.kind === 'list') {
    const items = text.split(',').map((item) => item.trim());
    const named = items.filter((item) => item !== '');
    // A key that was lost on the way must not open the doors.
    if (text !== '' && named.length === 0) problems.push(`${row.env} is given and names nothing: leave it out, or empty`);
    return Object.freeze(named);
  }
  if (row.kind === 'boolean') {
    if (['true', '1', 'yes'].includes(text)) return true;
    if (['false', '0', 'no', ''].includes(text)) return false;
    problems.push(`${row.env} must be true or false, it is ${JSON.stringify(text)}`);
    return false;
  }
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (row.kind === 'integer' && !Number.isInteger(value))) {
    problems.push(`${row.env} must be ${row.kind === 'integer' ? 'a whole number' : 'a number'}, it is ${JSON.stringify(text)}`);
  }
  return value;
}
