/** The service as the pages see it: the shapes of its replies, which are those of its schemas, and one function per call. */
import type { EventReceipt, ListReply } from '../api/schemas.ts';
import type { LensReply, VisualReply } from '../api/search-schemas.ts';
import { rememberedKey } from './key.ts';

export type { BoardSummary, BoardsPage, ListReply, MarksReply, PinsPage, PinSummary, Term } from '../api/schemas.ts';
export type { Box, LensReply, ObjectsReply, PinObject, VisualReply } from '../api/search-schemas.ts';

/** An item of any list; those of visual lists carry more. */
export type Item = ListReply['items'][number] & Partial<VisualReply['items'][number] & LensReply['items'][number]>;

/** A problem document of the service, as an error with the text a person needs. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly status: number;
  /** The field that was wrong, where the service names one. */
  readonly field: string | null;
  constructor(status: number, code: string, detail: string, field: string | null = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** Whether it was a key that was missing, or one that may do more. */
export function wantsKey(error: Error): boolean {
  return error instanceof ApiProblem && (error.status === 401 || error.status === 403);
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The service's own words are for programs. */
const KEY_NEEDED = 'An access key is needed for this. Whoever runs the service makes one with related-pins create-key.';

export async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

/** The body as it is, for downloads. */
export async function callText(path: string): Promise<string> {
  return (await ask(path, {})).text();
}

export async function callBlob(path: string, signal: AbortSignal): Promise<Blob> {
  return (await ask(path, { signal })).blob();
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const key = rememberedKey();
  const headers = new Headers(init.headers);
  if (key) headers.set('authorization', `Bearer ${key}`);
  let reply: Response;
  try {
    reply = await fetch(`/v1${path}`, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'UNREACHABLE', 'The service does not answer. Is it still running?');
  }
  if (!reply.ok) {
    const problem = (await reply.json().catch(() => ({}))) as { code?: string; detail?: string; field?: string };
    const detail = reply.status === 401 ? KEY_NEEDED : (problem.detail ?? reply.statusText);
    throw new ApiProblem(reply.status, problem.code ?? 'UNKNOWN', detail, problem.field ?? null);
  }
  return reply;
}

export function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  return call<T>(path, signal ? { ...init, signal } : init);
}

/** Sends one file of a folder of photos. */
export async function uploadPhoto(path: string, file: File): Promise<void> {
  const form = new FormData();
  form.set('path', path);
  form.set('image', file);
  await ask('/photos', { method: 'POST', body: form });
}

/** Has the photos that were sent taken into the catalog. */
export async function takeInPhotos(): Promise<void> {
  await ask('/photos/take-in', { method: 'POST' });
}

/** Fields that cards show. */
export const CARD_FIELDS = 'title,image,link,price';

export function imagePath(pinId: string, widthPx: number): string {
  return `/pins/${encodeURIComponent(pinId)}/image?width=${widthPx}`;
}

type EventType = 'impression' | 'closeup' | 'click' | 'longClick' | 'save' | 'hide' | 'unhide';

/**
 * Sends what a visitor did with items of a served list. Resolves to what kept the service from taking it, null when it
 * was taken: a lost connection loses the event, never the page.
 */
export async function sendEvents(
  userId: string,
  recommendationId: string,
  type: EventType,
  items: readonly { readonly pinId: string; readonly position: number }[],
  reason?: string,
): Promise<Error | null> {
  if (items.length === 0) return null;
  const at = Date.now();
  const events = items.map(({ pinId, position }) => ({
    eventId: crypto.randomUUID(),
    type,
    recommendationId,
    pinId,
    position,
    userId,
    at,
    ...(reason === undefined ? {} : { reason }),
  }));
  const problem = await post<EventReceipt>('/events', { events }).then(problemOf, asError);
  if (problem) console.warn('events were not taken:', problem);
  return problem;
}

/** A batch is accepted also when rows of it stay out: the receipt says which and why. */
function problemOf({ rejected }: EventReceipt): Error | null {
  const [reason] = Object.keys(rejected);
  return reason === undefined ? null : new ApiProblem(200, reason, `The service did not take it: ${reason}.`);
}
