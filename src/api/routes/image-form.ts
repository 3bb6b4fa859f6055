/** A multipart form with an image and fields, read whole before its request waits for a turn. */
import type { FastifyRequest } from 'fastify';
import { reasonOf, ServiceError } from '../../errors.ts';

export interface ImageForm {
  /** The bytes of the file named `image`; null: none came, another field says which picture is meant. */
  readonly image: Uint8Array | null;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Of one field: a thousand ids of 256 characters fit. */
const FIELD_BYTES_MAX = 1 << 20;

/** Reads the parts of a form; one that is cut short or malformed is the caller's mistake. @throws REQUEST_INVALID, IMAGE_TOO_LARGE. */
export async function readImageForm(request: FastifyRequest, byteLimit: number): Promise<ImageForm> {
  try {
    return await readParts(request, byteLimit);
  } catch (error) {
    if (error instanceof ServiceError || (error as { statusCode?: number }).statusCode !== undefined) throw error;
    throw new ServiceError('REQUEST_INVALID', { field: 'body', detail: `body: ${reasonOf(error)}` }, error);
  }
}

async function readParts(request: FastifyRequest, byteLimit: number): Promise<ImageForm> {
  let image: Uint8Array | null = null;
  const fields: Record<string, unknown> = {};
  for await (const part of request.parts({ limits: { fileSize: byteLimit, files: 1, fields: 20, fieldSize: FIELD_BYTES_MAX } })) {
    if (part.type === 'field' && part.valueTruncated)
      throw new ServiceError('REQUEST_INVALID', {
        field: part.fieldname,
        detail: `${part.fieldname}: a field of a form has at most ${FIELD_BYTES_MAX} bytes`,
      });
    if (part.type === 'field') fields[part.fieldname] = fieldValue(part.fieldname, wholeText(part.fieldname, String(part.value)));
    else if (part.fieldname === 'image') {
      image = await part.toBuffer().catch((error: unknown) => {
        if (!part.file.truncated) throw error;
        throw new ServiceError('IMAGE_TOO_LARGE', { reason: `more than ${byteLimit} bytes` }, error);
      });
    } else part.file.resume();
  }
  if (!image && fields.pinId === undefined && fields.imageUrl === undefined && fields.like === undefined)
    throw new ServiceError('REQUEST_INVALID', { field: 'image', detail: 'image: the form holds no file of this name' });
  return { image, fields };
}

/** What is no UTF-8 has become U+FFFD. */
function wholeText(name: string, text: string): string {
  if (text.includes('\ufffd')) throw new ServiceError('REQUEST_INVALID', { field: name, detail: `${name}: it is not UTF-8` });
  return text;
}

const NUMBERS = new Set(['limit']);
const FLAGS = new Set(['buyable', 'explain', 'preview']);
const LISTS = new Set(['box', 'exclude', 'terms', 'like', 'unlike']);

/** Form fields are text; these are numbers, flags and lists in JSON as in the JSON body. What does not fit stays text and is refused by the schema. */
function fieldValue(name: string, text: string): unknown {
  if (NUMBERS.has(name) && /^\d+$/.test(text)) return Number(text);
  if (FLAGS.has(name) && (text === 'true' || text === 'false')) return text === 'true';
  if (LISTS.has(name)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}
