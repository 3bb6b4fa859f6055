/**
 * Closeups that were answered a moment ago, kept through the contract of cache.ts: the text of the reply and what the log
 * wants to know of it. A kept reply is still a list of its own: it gets its own recommendation id and its own log entry,
 * whose rows are those that were scored (the few unserved ones are those drawn when the list was made).
 *
 * Not kept, and not answered from here: lists of users with a history or hidden pins, further pages, explanations, exclusions, filters on fields, pages
 * whose order is drawn at random or that explore, and whatever was degraded. The key names everything that shapes a list: catalogue, model,
 * builds, net, treatment, arms, filters. Models and builds go by what they are and not by name or number: folders that share
 * a Redis count and name theirs alike. Saves and clicks of the last moments are met when the entry has passed its time.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { CACHE_KEYS } from '../../cache.ts';
import { COOCCURRENCE_KIND, BoardCooccurrence } from '../../candidates/cooccurrence/cooccurrence-store.ts';
import { VISUAL_KIND, visualKindOf } from '../../candidates/visual/visual-neighbors.ts';
import { writtenDigest } from '../../catalog/artifacts/artifact-file.ts';
import type { CatalogStore } from '../../catalog/pins/catalog-store.ts';
import { PIN_REMOVED, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import { decodeItems, decodeRows, encodeItems, encodeRows, keepEncoded } from '../../catalog/log/served-list-codec.ts';
import type { ServedItems, ServedList } from '../../catalog/log/served-list.ts';
import type { Context } from '../../service/context.ts';
import { AS_RETRIEVED } from '../../ranker/measures/baselines.ts';
import { FEATURE_COLUMNS } from '../../ranker/scoring/feature-table.ts';
import type { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { treatmentText } from '../../treatment.ts';
import { kendallTau, type ListOptions, type RankedList } from '../../lists/ranked-list.ts';
import { recordOf, servedItems } from '../../lists/served-record.ts';
import { drawsShuffle } from '../../lists/shuffled-slice.ts';

/** The part of a kept reply that is not the text: what log line and log entry say. */
interface KeptHead {
  readonly modelVersion: string;
  readonly candidates: number;
  /** Items on the page; the rest of the logged ones were not served. */
  readonly page: number;
  readonly tau: number | null;
  readonly sourceNames: readonly string[];
  /** Of the logged items: another process, which shares the cache, numbers its pins itself. */
  readonly pinIds: readonly string[];
  readonly textBytes: number;
  readonly itemsBytes: number;
  readonly rowsBytes: number;
}

export interface KeptReply {
  readonly head: KeptHead;
  /** The reply from behind its recommendation id on, UTF-8. */
  readonly rest: Buffer;
  readonly items: ServedItems;
}

export class ReplyCache {
  private readonly context: Context;
  private readonly ttlMs: number;
  /** The memory cache gives the same bytes again: read once. */
  private readonly read = new WeakMap<Buffer, KeptReply>();
  /** The catalogue that lists are made from; copies of a data folder share it. */
  private readonly catalogId: number;
  private readonly modelDigests = new Map<string, string>();
  /** What is served, by the version it was last looked up for. */
  private served: { readonly version: string; readonly text: string | null } = { version: '', text: null };

  constructor(context: Context) {
    this.context = context;
    this.ttlMs = context.config.replyCacheMs;
    this.catalogId = this.ttlMs > 0 && context.hot.actions !== null ? catalogIdOf(context.catalog) : 0;
  }

  /** The key of a closeup, or null for one that is not to be kept. `fields`: those of its items, as the caller wrote them. */
  keyOf(queryPin: number, options: ListOptions, fields?: string): string | null {
    const { context } = this;
    const { cursor, exclude, explain, forced, userId, recommendationId, treatment, arm, limit, category, buyableOnly, filter, now } =
      options;
    if (this.ttlMs <= 0 || cursor !== null || exclude.size > 0 || filter || explain || forced || (options.degraded?.length ?? 0) > 0)
      return null;
    if ((treatment.exploration?.share ?? 0) > 0) return null;
    if (context.degraded.length > 0 || drawsShuffle(recommendationId, context.config.shuffledShare)) return null;
    // What the other arms would have shown is asked of lists that are made, so these are.
    if (arm !== null && context.experiments.active.current(now).some(({ counterfactualShare }) => counterfactualShare > 0)) return null;
    if (userId !== null && hasPast(context, userId, now)) return null;
    const model = this.modelDigest(treatment.model ?? context.models.currentFor(userId).name);
    const served = this.servedNow();
    if (model === null || served === null) return null;
    const version = `${model}:${served}`;
    const variant = `${treatmentText(treatment)}:${limit}:${buyableOnly}:${JSON.stringify([arm, category, fields])}`;
    return CACHE_KEYS.rankedList.key(version, context.pins.idOf(queryPin), variant);
  }

  /** Names a model by its content; null for one that is not there (any more). */
  private modelDigest(name: string): string | null {
    const { registry } = this.context;
    const known = this.modelDigests.get(name);
    if (known !== undefined || !registry.has(name)) return known ?? null;
    const digest = name === AS_RETRIEVED ? name : digestOf(registry, name);
    if (digest !== null) this.modelDigests.set(name, digest);
    return digest;
  }

  /** Names catalogue, builds and net, looked up again when one of them changed; null when a build that serves is gone from the disk. */
  private servedNow(): string | null {
    const version = this.context.listVersion;
    if (this.served.version !== version) this.served = { version, text: this.lookUp(version) };
    return this.served.text;
  }

  private lookUp(version: string): string | null {
    const { sources, visual, dataFolder } = this.context;
    const boards = sources.all.find((source) => source instanceof BoardCooccurrence)?.version ?? null;
    const looks = sources.visual?.version ?? null;
    const digestOfBuild = (build: string | null, ...kinds: readonly string[]): string | null => {
      if (build === null) return '-';
      const paths = kinds.map((kind) => join(dataFolder, 'artifacts', kind, `${build}.bin`));
      return paths.map(writtenDigest).find((digest) => digest !== null) ?? null;
    };
    // Before nets had lists of their own, the lists of whatever net lay in one folder.
    const builds = [digestOfBuild(boards, COOCCURRENCE_KIND), digestOfBuild(looks, visualKindOf(visual?.netDigest ?? ''), VISUAL_KIND)];
    return builds.includes(null) ? null : `${this.catalogId}:${builds.join(':')}:${version}:${FEATURE_COLUMNS.length}`;
  }

  async get(key: string): Promise<KeptReply | null> {
    const bytes = await this.context.hot.cache.get(key);
    if (bytes === null) return null;
    const known = this.read.get(bytes);
    if (known) return known;
    const reply = readReply(bytes, this.context.pins);
    if (reply) this.read.set(bytes, reply);
    return reply;
  }

  /** Keeps a list that was sent as `text`, unless something was amiss with it. */
  keep(key: string, list: RankedList, text: string): void {
    if (list.shuffled || list.degraded.length > 0) return;
    const items = servedItems(list);
    const head = { modelVersion: list.ranker.name, candidates: list.candidates.count, page: list.page.length, tau: kendallTau(list.page) };
    const rest = text.slice(beginning(list.options.recommendationId).length);
    const pinIds = Array.from(items.pinIndexes, (pinIndex) => this.context.pins.idOf(pinIndex));
    void this.context.hot.cache.set(key, encode({ ...head, pinIds }, rest, items), this.ttlMs);
  }
}

function hasPast({ parts }: Context, userId: string, now: number): boolean {
  return parts.historyOf(userId, now).pinIndexes.length > 0 || parts.hiddenBy(userId, now).size > 0;
}

/** The number that distinguishes a catalog from every other one. */
const CATALOG_ID = 'catalogId';
const CATALOG_IDS = 2 ** 47;

/** The number of a catalogue, which it is given when it is first asked for; a copy has the number of its original. */
function catalogIdOf(catalog: CatalogStore): number {
  const { sequence } = catalog;
  const made = randomInt(1, CATALOG_IDS);
  const numbered = (): number => {
    if (sequence.number(CATALOG_ID) === 0) sequence.setNumber(CATALOG_ID, made);
    return sequence.number(CATALOG_ID);
  };
  try {
    return sequence.number(CATALOG_ID) || catalog.transaction(numbered);
  } catch {
    // It can't be written now (a full disk, a long import): until the next start the replies of this process are its own.
    return made;
  }
}

/** Null for a damaged model. */
function digestOf(registry: ModelRegistry, name: string): string | null {
  try {
    return registry.read(name).digest;
  } catch {
    return null;
  }
}

/** The bytes of a kept reply under a recommendation id of its own: joined as bytes, because joined text is encoded again each time. */
export function bytesOf({ rest }: KeptReply, recommendationId: string): Buffer {
  return Buffer.concat([Buffer.from(beginning(recommendationId)), rest]);
}

function beginning(recommendationId: string): string {
  return `{"recommendationId":${JSON.stringify(recommendationId)}`;
}

/** What the log keeps of a list that was answered from here. */
export function keptRecord({ head, items }: KeptReply, queryPinIndex: number, options: ListOptions, latencyMs: number): ServedList {
  const { modelVersion } = head;
  return recordOf(options, { surface: 'closeup', queryPinIndex, modelVersion, shuffled: false, latencyMs, degraded: [], items });
}

/** u32 length of the head; head (JSON), rest of the reply, items, rows. */
function encode(head: Omit<KeptHead, 'sourceNames' | 'textBytes' | 'itemsBytes' | 'rowsBytes'>, rest: string, items: ServedItems): Buffer {
  const [text, ofItems, ofRows] = [Buffer.from(rest), encodeItems(items), encodeRows(items.rows)];
  const lengths = { textBytes: text.length, itemsBytes: ofItems.length, rowsBytes: ofRows.length };
  const whole: KeptHead = { ...head, sourceNames: items.sourceNames, ...lengths };
  const json = Buffer.from(JSON.stringify(whole));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, text, ofItems, ofRows]);
}

/** Null for what another release wrote, or somebody else, or a server that was cut off: the list is made then. */
function readReply(bytes: Buffer, pins: PinColumns): KeptReply | null {
  try {
    return decode(bytes, pins);
  } catch {
    return null;
  }
}

/** Null for a reply that names a pin this process does not know, or has taken out. Throws on what is not one. */
function decode(bytes: Buffer, pins: PinColumns): KeptReply | null {
  let at = 4 + bytes.readUInt32LE(0);
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const head = JSON.parse(bytes.toString('utf8', 4, at)) as KeptHead;
  if (bytes.length !== at + head.textBytes + head.itemsBytes + head.rowsBytes) return null;
  const rest = take(head.textBytes);
  const [ofItems, ofRows] = [take(head.itemsBytes), bytes.subarray(at)];
  const items = decodeItems(ofItems, head.sourceNames, decodeRows(ofRows, FEATURE_COLUMNS));
  if (head.pinIds.length !== items.count) return null;
  head.pinIds.forEach((id, i) => (items.pinIndexes[i] = pins.indexOf(id)));
  if (items.pinIndexes.some((pinIndex) => pinIndex < 0 || (pins.flags[pinIndex] & PIN_REMOVED) !== 0)) return null;
  keepEncoded(items, encodeItems(items), ofRows);
  return { head, rest, items };
}
