/**
 * What a request costs, part by part: a sampling profile of the serving process summed by room of src, by library and by
 * module of Node. Native functions (SQLite, the engine's own, WebAssembly) count for whoever calls them.
 */

/** What the engine's profiler gives (V8, `Profiler.Profile`): nodes of a call tree, and which of them each sample met. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples?: readonly number[];
  /** Microseconds from the sample before. */
  readonly timeDeltas?: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Microseconds a request: in the part itself, and with all that it calls. */
export interface PartCost {
  readonly part: string;
  readonly self: number;
  readonly inclusive: number;
}

/** Microseconds a request, in the function itself. */
export interface FunctionCost {
  readonly function: string;
  readonly self: number;
}

export interface CostParts {
  readonly parts: readonly PartCost[];
  /** The most costly ones. */
  readonly functions: readonly FunctionCost[];
}

const FUNCTIONS_KEPT = 60;
/** No part: nothing ran. */
const IDLE = '(idle)';
const GARBAGE = '(garbage collector)';
const ENGINE = '(engine and system calls)';
/** Node's own files that belong together. */
const NODE_PARTS: readonly (readonly [RegExp, string])[] = [
  [/^_?http|^internal\/http/, 'node:http'],
  [/^net$|stream/, 'node:net and streams'],
  [/timers|process\/|async_hooks|events|buffer/, 'node:events, timers, buffers'],
];

/** The part that a file belongs to; null for a frame without a file of its own. */
export function partOfFile(url: string): string | null {
  const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url);
  if (library) return library[1];
  if (url.startsWith('node:')) return NODE_PARTS.find(([files]) => files.test(url.slice(5)))?.[1] ?? 'node, the rest';
  const own = /\/dist\/(.+)\.js$/.exec(url);
  if (!own) return null;
  const [room, inner, file] = own[1].split('/');
  return file === undefined ? room : `${room}/${inner}`;
}

/** The costs of `requests` that were answered while the profile was taken, on a thread that used `threadMicros` meanwhile. */
export function costParts(profile: CpuProfile, requests: number, threadMicros: number): CostParts {
  const selfOf = new Map<number, number>();
  profile.samples?.forEach((id, at) => selfOf.set(id, (selfOf.get(id) ?? 0) + (profile.timeDeltas?.[at] ?? 0)));
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const parts = new Map<string, { self: number; inclusive: number }>();
  const functions = new Map<string, number>();
  /** Returns the time below a node and in it. */
  const visit = (node: ProfileNode, above: ReadonlySet<string>, caller: string, calling: string): number => {
    const { functionName, url, lineNumber } = node.callFrame;
    // Starting and ending the profile is no part of a request.
    if (functionName === IDLE || url === 'node:inspector') return 0;
    const part = functionName === GARBAGE ? GARBAGE : (partOfFile(url) ?? caller);
    const self = selfOf.get(node.id) ?? 0;
    const own = url === '' || url.startsWith('wasm') ? null : `${functionName} ${fileOf(url)}:${lineNumber + 1}`;
    const name = own ?? `${functionName} (native) of ${calling}`;
    functions.set(name, (functions.get(name) ?? 0) + self);
    const known = parts.get(part) ?? { self: 0, inclusive: 0 };
    parts.set(part, known);
    known.self += self;
    const here = above.has(part) ? above : new Set([...above, part]);
    let all = self;
    for (const child of node.children ?? []) all += visit(byId.get(child) as ProfileNode, here, part, own ?? calling);
    if (!above.has(part)) known.inclusive += all;
    return all;
  };
  const sampled = visit(profile.nodes[0], new Set(), ENGINE, 'the engine');
  // Samples are taken by the clock, also while the thread waited for a core: they are scaled to its processor time.
  const scale = threadMicros / Math.max(1, sampled) / Math.max(1, requests);
  const micros = (value: number): number => Math.round(value * scale * 10) / 10;
  return {
    parts: [...parts]
      .sort((a, b) => b[1].self - a[1].self)
      .map(([part, { self, inclusive }]) => ({ part, self: micros(self), inclusive: micros(inclusive) })),
    functions: [...functions]
      .sort((a, b) => b[1] - a[1])
      .slice(0, FUNCTIONS_KEPT)
      .map(([name, self]) => ({ function: name, self: micros(self) })),
  };
}

function fileOf(url: string): string {
  return url.replace(/^.*\/(?:dist|node_modules)\//, '');
}
