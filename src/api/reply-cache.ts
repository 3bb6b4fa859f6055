/**
 * Closeups that were answered a moment ago, kept through the contract of cache.ts: the text of the reply and what the log
 * wants to know of it. A kept reply is still a list of its own: it gets its own recommendation id and its own log entry,
 * whose rows are those that were scored (the few unserved ones are those drawn when the list was made).
 *
 * Not kept, and not answered from here: lists of users with a history, further pages, explanations, exclusions, pages
 * whose order is drawn at random, and whatever was degraded. The key names everything that shapes a list: model, builds,
 * net, treatment, arms, filters. Saves and clicks of the last moments are met when the entry has passed its time.
 */
import { CACHE_KEYS } from '../cache.ts';
import { PIN_REMOVED, type PinColumns } from '../catalog/pin-columns.ts';
import { decodeItems, decodeRows, encodeItems, encodeRows, keepEncoded } from '../catalog/served-list-codec.ts';
import type { ServedItems, ServedList } from '../catalog/served-list.ts';
import type { Context } from '../context.ts';
import { FEATURE_COLUMNS } from '../ranker/feature-table.ts';
import { treatmentText } from '../ranker/treatment.ts';
import type { ListOptions, RankedList } from '../serving/ranked-list.ts';
import { servedItems } from '../serving/served-record.ts';
import { drawsShuffle } from '../serving/shuffled-slice.ts';
import { kendallTau } from './after-response.ts';

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

  constructor(context: Context) {
    this.context = context;
    this.ttlMs = context.config.replyCacheMs;
  }

  /** The key of a closeup, or null for one that is not to be kept. */
  keyOf(queryPin: number, options: ListOptions): string | null {
    const { context } = this;
    const { cursor, exclude, explain, forced, userId, recommendationId, treatment, arm, limit, category, buyableOnly, now } = options;
    if (this.ttlMs <= 0 || cursor !== null || exclude.size > 0 || explain || forced || (options.degraded?.length ?? 0) > 0) return null;
    if (context.degraded.length > 0 || drawsShuffle(recommendationId, context.config.shuffledShare)) return null;
    // What the other arms would have shown is asked of lists that are made, so these are.
    if (arm !== null && context.experiments.current(now).some(({ counterfactualShare }) => counterfactualShare > 0)) return null;
    if (userId !== null && context.parts.historyOf(userId, now).pinIndexes.length > 0) return null;
    const model = treatment.model ?? context.models.currentFor(userId).name;
    const version = `${model}:${context.listVersion}:${FEATURE_COLUMNS.length}`;
    const variant = `${treatmentText(treatment)}:${limit}:${buyableOnly}:${JSON.stringify([arm, category])}`;
    return CACHE_KEYS.rankedList.key(version, context.pins.idOf(queryPin), variant);
  }

  async get(key: string): Promise<KeptReply | null> {
    const bytes = await this.context.hot.cache.get(key);
    if (bytes === null) return null;
    const known = this.read.get(bytes);
    if (known) return known;
    const reply = decode(bytes, this.context.pins);
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

/** The bytes of a kept reply under a recommendation id of its own: joined as bytes, because joined text is encoded anew each time. */
export function bytesOf({ rest }: KeptReply, recommendationId: string): Buffer {
  return Buffer.concat([Buffer.from(beginning(recommendationId)), rest]);
}

function beginning(recommendationId: string): string {
  return `{"recommendationId":${JSON.stringify(recommendationId)}`;
}

/** What the log keeps of a list that was answered from here. */
export function keptRecord({ head, items }: KeptReply, queryPinIndex: number, options: ListOptions, latencyMs: number): ServedList {
  const { recommendationId, now: at, userId, sessionId = null, arm, treatment, forced } = options;
  const { modelVersion } = head;
  const list = { recommendationId, at, surface: 'closeup', queryPinIndex, userId, sessionId, arm, modelVersion, forced } as const;
  return { ...list, treatment: treatmentText(treatment), shuffled: false, latencyMs, degraded: [], items };
}

/** u32 length of the head; head (JSON), rest of the reply, items, rows. */
function encode(head: Omit<KeptHead, 'sourceNames' | 'textBytes' | 'itemsBytes'>, rest: string, items: ServedItems): Buffer {
  const [text, ofItems, ofRows] = [Buffer.from(rest), encodeItems(items), encodeRows(items.rows)];
  const whole: KeptHead = { ...head, sourceNames: items.sourceNames, textBytes: text.length, itemsBytes: ofItems.length };
  const json = Buffer.from(JSON.stringify(whole));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, text, ofItems, ofRows]);
}

/** Null for a reply that names a pin this process does not know, or has taken out. */
function decode(bytes: Buffer, pins: PinColumns): KeptReply | null {
  let at = 4 + bytes.readUInt32LE(0);
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const head = JSON.parse(bytes.toString('utf8', 4, at)) as KeptHead;
  const rest = take(head.textBytes);
  const [ofItems, ofRows] = [take(head.itemsBytes), bytes.subarray(at)];
  const items = decodeItems(ofItems, head.sourceNames, decodeRows(ofRows, FEATURE_COLUMNS));
  head.pinIds.forEach((id, i) => (items.pinIndexes[i] = pins.indexOf(id)));
  if (items.pinIndexes.some((pinIndex) => pinIndex < 0 || (pins.flags[pinIndex] & PIN_REMOVED) !== 0)) return null;
  keepEncoded(items, encodeItems(items), ofRows);
  return { head, rest, items };
}
