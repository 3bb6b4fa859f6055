/** The service as the pages see it: the shapes of /v1 that they use, and one function per call. */
export interface PinSummary {
  readonly id: string;
  readonly title?: string;
  readonly description?: string;
  readonly link?: string;
  readonly categories?: Readonly<Record<string, number>>;
  readonly annotations?: Readonly<Record<string, number>>;
  readonly buyable?: boolean;
  readonly saves?: number;
  readonly hasImage?: boolean;
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

const KEY_NAME = 'related-pins-key';

/** The key a visitor typed in when the service asks for one; kept for this browser tab only. */
export function rememberKey(key: string): void {
  sessionStorage.setItem(KEY_NAME, key);
}

export async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

/** The body as it is, for downloads. */
export async function callText(path: string): Promise<string> {
  return (await ask(path, {})).text();
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const key = sessionStorage.getItem(KEY_NAME);
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
    throw new ApiProblem(reply.status, problem.code ?? 'UNKNOWN', problem.detail ?? reply.statusText, problem.field ?? null);
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

export function imageAddress(pinId: string, widthPx: number): string {
  return `/v1/pins/${encodeURIComponent(pinId)}/image?width=${widthPx}`;
}

export type EventType = 'impression' | 'closeup' | 'click' | 'longClick' | 'save';

/** Sends what a visitor did with an item of a served list; a lost connection loses the event, never the page. */
export async function sendEvents(
  userId: string,
  recommendationId: string,
  type: EventType,
  items: readonly { readonly pinId: string; readonly position: number }[],
): Promise<void> {
  if (items.length === 0) return;
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
  await post('/events', { events }).catch((error: unknown) => console.warn('events were not taken:', error));
}
