/** The service as the pages see it: the shapes of /v1 that they use, and one function per call. */
import { rememberedKey } from './key.ts';

export interface PinSummary {
  readonly id: string;
  readonly title?: string;
  readonly description?: string;
  readonly link?: string | null;
  readonly categories?: Readonly<Record<string, number>>;
  readonly annotations?: Readonly<Record<string, number>>;
  /** What the visual net says it sees: word -> confidence. */
  readonly seen?: Readonly<Record<string, number>>;
  readonly buyable?: boolean;
  readonly saves?: number;
  readonly hasImage?: boolean;
  /** What the caller keeps with it. */
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
}

export interface PinPage {
  readonly pins: readonly PinSummary[];
  readonly nextCursor: string | null;
}

export interface BoardSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly category: string | null;
  readonly pins: number;
  /** Ids of its newest pins. */
  readonly covers: readonly string[];
}

export interface Term {
  readonly feature: string;
  readonly value: number;
  readonly weight: number;
  readonly contribution: number;
}

export interface Item {
  readonly pinId: string;
  readonly position: number;
  readonly score: number;
  readonly sources: readonly { readonly name: string; readonly score: number }[];
  readonly terms?: readonly Term[];
  readonly distance?: number;
  readonly source?: string;
  readonly title?: string;
  readonly fields?: { readonly title?: string | null };
  readonly box?: Box;
  /** Width and height of the picture that `box` is in. */
  readonly extent?: readonly [number, number];
}

export interface ListReply {
  readonly recommendationId: string;
  readonly modelVersion: string;
  readonly treatment: unknown;
  readonly arm: string | null;
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
  readonly degraded: readonly { readonly code: string; readonly reason: string }[];
  readonly missing: readonly string[];
}

export type Box = readonly [number, number, number, number];

export interface PinObject {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
  readonly shown: boolean;
  readonly dominant: boolean;
  readonly suppressedBy?: string;
  /** What the visual net calls it, surest first. */
  readonly words?: readonly { readonly word: string; readonly confidence: number }[];
  /** People who drew a box around it themselves. */
  readonly people?: number;
}

export interface ModelRow {
  readonly name: string;
  readonly serving: boolean;
  readonly createdAt?: string;
}

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

export function imagePath(pinId: string, widthPx: number): string {
  return `/pins/${encodeURIComponent(pinId)}/image?width=${widthPx}`;
}

export type EventType = 'impression' | 'closeup' | 'click' | 'longClick' | 'save';

interface EventReceipt {
  readonly rejected: Readonly<Record<string, unknown>>;
}

/**
 * Sends what a visitor did with items of a served list. Resolves to what kept the service from taking it, null when it
 * was taken: a lost connection loses the event, never the page.
 */
export async function sendEvents(
  userId: string,
  recommendationId: string,
  type: EventType,
  items: readonly { readonly pinId: string; readonly position: number }[],
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
