/** Every failure leaves as a problem document (RFC 9457) with a stable code. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { diskFullError } from '../../catalog/database.ts';
import { ServiceError } from '../../errors.ts';

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
  readonly requestId: string;
}

export function problemOf(error: ServiceError, requestId: string): Problem {
  const { code, status, fields } = error;
  return {
    type: `urn:related-pins:error:${code.toLowerCase()}`,
    title: titleOf(code),
    status,
    code,
    detail: detailOf(error),
    ...(typeof fields.field === 'string' ? { field: fields.field } : {}),
    requestId,
  };
}

/** Faults of the operation: their messages name files, folders and addresses, which stand in the log alone. */
const FOR_OPERATORS: ReadonlySet<string> = new Set([
  'CONFIG_INVALID',
  'DATA_FOLDER_LOCKED',
  'CATALOG_FILE_UNREADABLE',
  'ARTIFACT_REFUSED',
  'REDIS_UNAVAILABLE',
  'BACKUP_REFUSED',
  'PUBLICATION_REFUSED',
  'PUBLICATION_OF_ANOTHER',
  'STORE_CREDENTIALS',
  'STORE_BUCKET_UNKNOWN',
  'STORE_CLOCK',
  'STORE_REFUSED',
  'STORE_UNAVAILABLE',
]);

/** Whether the log must hold what the reply leaves out. */
export function isForOperators({ code, status }: ServiceError): boolean {
  return FOR_OPERATORS.has(code) || (status >= 500 && code !== 'SERVER_OVERLOADED' && code !== 'WRITER_AWAY');
}

function detailOf(error: ServiceError): string {
  if (FOR_OPERATORS.has(error.code)) return 'Something is wrong on our side; the log line with this request id says what.';
  if (error.code === 'DATA_DISK_FULL') return new ServiceError('DATA_DISK_FULL', { folder: 'the data folder' }).message;
  return error.message;
}

/** `CATALOG_PIN_UNKNOWN` is "Catalog pin unknown". */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words[0].toUpperCase() + words.slice(1);
}

/** Anything thrown, as one of our errors. */
export function serviceErrorOf(error: FastifyError | Error, bodyLimit: number, mediaType?: string): ServiceError {
  if (error instanceof ServiceError) return error;
  const full = diskFullError(error, 'the data folder');
  if (full instanceof ServiceError) return full;
  const { validation, validationContext, code, statusCode } = error as FastifyError;
  if (validation) return invalidRequest(validation, validationContext ?? 'body');
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || code === 'FST_REQ_FILE_TOO_LARGE')
    return new ServiceError('REQUEST_TOO_LARGE', { limit: bodyLimit });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_ERR_CTP_EMPTY_TYPE')
    return new ServiceError(
      'REQUEST_MEDIA_TYPE',
      {
        given: mediaType?.slice(0, 100) ?? 'a body of no type',
        known: 'application/json, and where a picture may come multipart/form-data with the picture in the part `image`',
      },
      error,
    );
  if (statusCode === 429) return new ServiceError('REQUEST_RATE_LIMITED', { retryAfterSeconds: 1 });
  if (statusCode === 503) return new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 }, error);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ServiceError('REQUEST_INVALID', { detail: error.message, field: 'body' }, error);
  return new ServiceError('SERVER_ERROR', {}, error);
}

type Validation = NonNullable<FastifyError['validation']>;

/** What is wrong with a request, by the first error of its schema: the field, and what it may be. */
export function invalidRequest(errors: Validation, context: string): ServiceError {
  const [first] = errors;
  const params = first.params as Readonly<Record<string, string | readonly string[] | undefined>>;
  // Two validators: one names the field, the other all such fields.
  const missing = [params.missingProperty ?? params.requiredProperties ?? []].flat()[0];
  const unknown = [params.additionalProperty ?? params.additionalProperties ?? []].flat()[0];
  const path = first.instancePath.slice(1).replaceAll('/', '.');
  const field = [path, missing ?? unknown].filter((part) => part).join('.') || context;
  const choices = choicesOf(errors);
  const said = missing
    ? 'is missing'
    : unknown
      ? 'is not known'
      : choices.length > 0
        ? `must be one of ${choices.join(', ')}`
        : (first.message ?? 'is not valid');
  return new ServiceError('REQUEST_INVALID', { field, detail: `${field} ${said}` });
}

/** The values that would have been right where the first error is, of an enumeration or of constants. */
function choicesOf(errors: Validation): readonly string[] {
  const [{ instancePath }] = errors;
  const choices = errors.flatMap(({ keyword, params, instancePath: path }) => {
    if (path !== instancePath) return [];
    const { allowedValues, allowedValue } = params as { allowedValues?: readonly unknown[]; allowedValue?: unknown };
    return keyword === 'enum' ? (allowedValues ?? []) : keyword === 'const' ? [allowedValue] : [];
  });
  return [...new Set(choices.map(String))];
}

export function sendProblem(error: ServiceError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { retryAfterSeconds } = error.fields;
  if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds));
  if (error.code === 'ROUTE_METHOD') reply.header('allow', String(error.fields.allowed));
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .type('application/problem+json')
    .serializer((payload) => JSON.stringify(payload))
    .send(problemOf(error, request.id));
}
