interface ErrorRow {
  readonly status: number;
  /** With what a job that fails by it exits: 2 refused, 130 stopped by hand; absent: 1, failed. */
  readonly exit?: 2 | 130;
  readonly message: string;
}

/**
 * Every error a caller or an operator can meet: code, HTTP status, exit status, message template. `docs/ERRORS.md` lists the
 * same codes with what to do about each; a test keeps the two equal. `{name}` in a template is filled from `fields`.
 */
export const ERRORS = {
  REQUEST_INVALID: { status: 400, message: '{detail}' },
  REQUEST_TOO_LARGE: { status: 413, message: 'The body is larger than {limit} bytes; send smaller batches.' },
  REQUEST_MEDIA_TYPE: { status: 415, message: 'This cannot be read as {given}; known here: {known}.' },
  REQUEST_HEADERS_TOO_LARGE: { status: 431, message: 'The headers and the address are larger than 16 KiB together.' },
  REQUEST_TIMED_OUT: { status: 408, message: 'The request did not arrive in time; send it again.' },
  REQUEST_UNAUTHORIZED: { status: 401, message: 'This needs a key: send `Authorization: Bearer KEY`.' },
  REQUEST_FORBIDDEN: { status: 403, message: 'This key lacks the scope {scope}.' },
  REQUEST_HOST_REFUSED: {
    status: 421,
    message: 'This service does not answer under the name {host}; ask under 127.0.0.1 or localhost, or name it in RELATED_PINS_HOSTS.',
  },
  REQUEST_CROSS_SITE: {
    status: 403,
    message: 'The request comes from a page of another site; name its origin in RELATED_PINS_ORIGINS if it may ask.',
  },
  REQUEST_RATE_LIMITED: { status: 429, message: 'Too many requests; try again in {retryAfterSeconds} s.' },
  ROUTE_UNKNOWN: { status: 404, message: 'There is no {method} {path}; see /v1/openapi.json.' },
  ROUTE_METHOD: { status: 405, message: '{path} takes {allowed}, not {method}.' },
  SERVER_OVERLOADED: { status: 503, message: 'The server is at capacity; try again in {retryAfterSeconds} s.' },
  SERVER_ERROR: { status: 500, message: 'Something broke on our side; the log line with this request id says what.' },
  CONFIG_INVALID: { status: 500, exit: 2, message: 'The settings are wrong: {problems}' },
  DATA_FOLDER_LOCKED: {
    status: 500,
    exit: 2,
    message: 'The data folder {folder} is in use by process {pid}; stop it or choose another --data.',
  },
  DATA_DISK_FULL: {
    status: 507,
    message: 'The disk that holds {folder} is full; nothing of this request was written. Free space and send it again.',
  },
  CATALOG_PIN_UNKNOWN: { status: 404, message: 'There is no pin {pinId}.' },
  CATALOG_BOARD_UNKNOWN: { status: 404, message: 'There is no board {boardId}.' },
  CATALOG_FIELD_UNKNOWN: { status: 400, message: 'No pin has a field {name}.' },
  CATALOG_FIELD_TEXT: { status: 400, message: 'The field {name} holds text, which has no order.' },
  CATALOG_USER_UNKNOWN: { status: 404, message: 'There is no user {userId}.' },
  CATALOG_FILE_UNREADABLE: { status: 400, message: '{file} cannot be read as {format}: {reason}' },
  IMAGE_UNKNOWN: { status: 404, message: 'The pin {pinId} has no image.' },
  IMAGE_REFUSED: { status: 422, message: 'The image is refused: {reason}' },
  IMAGE_UNSUPPORTED: { status: 415, message: 'The image format is not supported: {reason}' },
  IMAGE_TOO_LARGE: { status: 413, message: 'The image is too large: {reason}' },
  IMAGE_URL_REFUSED: { status: 422, message: 'The image address is refused: {reason}' },
  BOX_INVALID: {
    status: 400,
    message: 'The box {box} has no area inside the image, which is {width} x {height} pixels.',
  },
  NET_REFUSED: { status: 422, message: 'The net {net} is refused: {reason}' },
  NET_UNKNOWN: { status: 404, message: 'There is no net {net}; there are: {known}.' },
  ARTIFACT_REFUSED: { status: 500, message: 'The artifact {file} is refused: {reason}' },
  REDIS_UNAVAILABLE: { status: 503, message: 'Redis does not answer: {reason}' },
  INDEX_UNAVAILABLE: { status: 503, message: 'The index {index} is not available: {reason}' },
  FEATURES_NOT_READY: {
    status: 503,
    message: 'The visual features of pin {pinId} are not computed yet; try again in {retryAfterSeconds} s.',
  },
  RANKER_MODEL_UNKNOWN: { status: 404, message: 'There is no model {model}; there are: {known}.' },
  RANKER_MODEL_REFUSED: { status: 422, message: 'The model {model} is refused: {reason}' },
  RANKER_MODEL_EXISTS: {
    status: 409,
    message: 'A model named {model} exists; models are never overwritten, choose another name.',
  },
  RANKER_NO_PAIRS: { status: 422, exit: 2, message: 'There is nothing to learn from: {reason}' },
  RANKER_NOT_CONVERGED: { status: 422, message: 'Nothing is written: {reason}.' },
  RANKER_GUARDRAIL: {
    status: 409,
    exit: 2,
    message: 'The model {model} is judged worse than what serves: {reason}. To promote it all the same, give --force and a --why.',
  },
  RANKER_UNJUDGED: {
    status: 409,
    exit: 2,
    message:
      'Nobody can tell yet whether the model {model} is better: {reason}. Try it on a share of users (--canary 0.1), or promote it with --force and a --why.',
  },
  LETOR_REFUSED: { status: 400, message: '{file} line {line}: {reason}' },
  EXPERIMENT_UNKNOWN: { status: 404, exit: 2, message: 'There is no experiment {key}; there are: {known}.' },
  EXPERIMENT_INVALID: { status: 400, exit: 2, message: 'The experiment definition is refused: {field}: {reason}' },
  METRICS_REFUSED: { status: 422, exit: 2, message: 'metrics.json in the data folder is refused: {field}: {reason}' },
  EXPERIMENT_STATE: { status: 409, exit: 2, message: 'The experiment {key} is {state}; {reason}' },
  JOB_USAGE: { status: 400, exit: 2, message: '{reason}' },
  JOB_UNKNOWN: { status: 404, exit: 2, message: 'There is no job {job} that can be scheduled; there are: {known}.' },
  JOB_RUNNING: { status: 409, exit: 2, message: 'The job {job} is already running (process {pid}); wait for it or stop it.' },
  JOB_STOPPED: { status: 499, exit: 130, message: 'Stopped by hand; the next start goes on from here.' },
  NOTHING_TO_DO: { status: 422, exit: 2, message: '{reason}' },
  SPARK_UNAVAILABLE: {
    status: 503,
    exit: 2,
    message: 'Apache Spark cannot be started: {reason}. Install pyspark, or name its spark-submit in RELATED_PINS_SPARK_SUBMIT.',
  },
  SPARK_FAILED: {
    status: 500,
    message: 'The work on Apache Spark failed: {reason} Look at {log}; what was done is kept for the next start.',
  },
  PUBLICATION_REFUSED: { status: 422, message: 'What is published at {place} is refused: {reason}' },
  STORE_CREDENTIALS: {
    status: 500,
    exit: 2,
    message: 'The store {place} does not let these credentials in: {reason}. Look at AWS_ACCESS_KEY_ID and what its key may do.',
  },
  STORE_BUCKET_UNKNOWN: {
    status: 500,
    exit: 2,
    message: 'The store {place} has no such bucket: {reason}. Make it, or look at the address.',
  },
  STORE_CLOCK: { status: 500, exit: 2, message: 'The clock of this machine is not that of the store {place}: {reason}. Set it (NTP).' },
  STORE_REFUSED: { status: 500, message: 'The store {place} refuses: {reason}' },
  STORE_UNAVAILABLE: { status: 503, message: 'The store {place} does not answer: {reason}' },
  PUBLICATION_OF_ANOTHER: {
    status: 409,
    exit: 2,
    message:
      'What is published at {place} comes from the writer {writer}, and this data folder is the writer {own}. Publish elsewhere; or, if the other one has stopped for good, give --take-over.',
  },
  NODE_ONLY_SERVES: {
    status: 421,
    message: 'This is a node, which serves lists and changes nothing: send {method} {path} to the writer, {writer}.',
  },
  WRITER_AWAY: {
    status: 503,
    message: 'The writer does not answer, and this node takes nothing for it: send it again in {retryAfterSeconds} s.',
  },
  BACKUP_REFUSED: { status: 422, message: 'The backup {folder} is refused: {reason}' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** A caller's mistake or an operating fault. `fields` fill the message template; `field` names the offending field of a body. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, fields: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(fillTemplate(ERRORS[code].message, fields), cause === undefined ? undefined : { cause });
    this.name = 'ServiceError';
    this.code = code;
    this.status = ERRORS[code].status;
    this.fields = fields;
  }
}

function fillTemplate(template: string, fields: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(fields[name] ?? '?'));
}

/** With what a job that failed by this exits. */
export function exitOf(error: unknown): number {
  const row: ErrorRow | null = error instanceof ServiceError ? ERRORS[error.code] : null;
  return row?.exit ?? 1;
}

/** The text of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
