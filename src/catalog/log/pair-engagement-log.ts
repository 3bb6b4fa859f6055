/**
 * Past engagement of query-candidate pairs, rolled up from the log: clicks over expected clicks.
 *
 *   expected clicks of an impression at position p = clicks at p so far / impressions at p so far (shrunk to a prior)
 *   ratio of a pair = (clicks + k) / (expected clicks + k), both decayed by half in 90 days; k pulls rare pairs to 1
 *
 * Beside it stands how often each pin was shown at all, on whatever list: what exploration asks.
 *
 * Choice: the items of a list count as shown when the list gets its first event of any kind: a list that nobody looked
 * at sends none. An item counts as clicked once, by its first click, long click or save.
 */
import { LRUCache } from 'lru-cache';
import type { Database, Statement } from '../database.ts';
import type { EngagementLog, LoggedEvent } from './engagement-log.ts';
import { EVENT_TYPES, type EventType } from '../pins/records.ts';
import type { ServedItems, Surface } from './served-list.ts';
import type { ServedListLog, StoredList } from './served-list-log.ts';

/** Version 1 of the tables of the roll-up (a step of `migrate`). */
export const PAIR_TABLES = `
CREATE TABLE pair_engagement (
  query_pin INTEGER NOT NULL, pin INTEGER NOT NULL,
  clicks REAL NOT NULL, expected REAL NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (query_pin, pin)
) STRICT, WITHOUT ROWID;
CREATE TABLE position_engagement (position INTEGER PRIMARY KEY, impressions REAL NOT NULL, clicks REAL NOT NULL) STRICT;
CREATE TABLE roll_up (name TEXT PRIMARY KEY, event_index INTEGER NOT NULL) STRICT;
`;

/** A version of the log (a step of `migrate`). Of lists before it, impressions that were told count. */
export const SHOWN_TABLES = `
CREATE TABLE pin_shown (pin INTEGER PRIMARY KEY, lists INTEGER NOT NULL) STRICT;
INSERT INTO pin_shown SELECT pin, count(*) FROM event WHERE type = 0 GROUP BY pin;
`;

const PRIOR_RATE = 0.05;
const PRIOR_IMPRESSIONS = 20;
/** k of the formula, in expected clicks. */
const SHRINK = 1;
const HALF_LIFE_MS = 90 * 24 * 3600 * 1000;
const POSITIONS = 200;
const BATCH = 500;
/** The same where requests wait: a list that gets its first event takes 0.2 ms. */
const SMALL_BATCH = 4;
/** Types from the one to the other are clicks. */
const FIRST_CLICK = EVENT_TYPES.indexOf('click');
const LAST_CLICK = EVENT_TYPES.indexOf('save');
const CLICKS: ReadonlySet<EventType> = new Set(EVENT_TYPES.slice(FIRST_CLICK, LAST_CLICK + 1));
/** Queries, and pairs of all of them (12 bytes each), that are kept in memory: those that were asked for last. */
const QUERIES_KEPT = 20_000;
const PAIRS_KEPT = 2_000_000;
/** Lists that answer to a region of the pin's picture say nothing about the pin as a whole. */
const ABOUT_A_REGION: ReadonlySet<Surface> = new Set(['visual-search', 'lens'] as const);

/** What is known of the pins of one query: pins ascending, the ratio of each. */
interface QueryRatios {
  readonly pins: Int32Array;
  readonly ratios: Float64Array;
}

/** What is known of most queries. */
const NOTHING: QueryRatios = { pins: new Int32Array(0), ratios: new Float64Array(0) };

interface PairRow {
  pin: number;
  clicks: number;
  expected: number;
  at: number;
}

export class PairEngagementLog {
  private readonly database: Database;
  private readonly lists: ServedListLog;
  private readonly events: EngagementLog;
  private readonly readThrough: Statement<[], number>;
  private readonly ofQuery: Statement<[number], [pin: number, clicks: number, expected: number]>;
  private readonly ofPair: Statement<[number, number], PairRow>;
  /** Whether a list, or a pin of it, had events before. */
  private readonly earlier: Statement<[number, number], number>;
  private readonly clicked: Statement<[number, number, number, number, number], number>;
  private readonly putShown: Statement<[number]>;
  private readonly putThrough: Statement<[number]>;
  private readonly putPosition: Statement<[number, number, number]>;
  private readonly shownOf: Statement<[number], number>;
  private readonly put: Statement<[number, number, number, number, number]>;
  private readonly ratios = new LRUCache<number, QueryRatios>({
    max: QUERIES_KEPT,
    maxSize: PAIRS_KEPT,
    sizeCalculation: ({ pins }) => pins.length,
  });
  /** Queries that nothing is known of, a bit each: that is asked of the database once. */
  private silent = new Uint32Array(0);
  private readonly readAll: (queryPins: readonly number[]) => void;
  private readonly impressionsAt = new Float64Array(POSITIONS);
  private readonly clicksAt = new Float64Array(POSITIONS);
  /** Positions that were counted at since they were written. */
  private readonly changedPositions = new Set<number>();
  private through = 0;
  private behind = false;

  constructor(database: Database, lists: ServedListLog, events: EngagementLog) {
    this.database = database;
    this.lists = lists;
    this.events = events;
    this.ofQuery = database
      .prepare<[number], [pin: number, clicks: number, expected: number]>(
        'SELECT pin, clicks, expected FROM pair_engagement WHERE query_pin = +? ORDER BY pin',
      )
      .raw();
    this.ofPair = database.prepare('SELECT pin, clicks, expected, at FROM pair_engagement WHERE query_pin = ? AND pin = ?');
    this.earlier = database
      .prepare<[number, number], number>('SELECT 1 FROM event WHERE list_index = +? AND event_index < +? LIMIT 1')
      .pluck();
    this.clicked = database
      .prepare<[number, number, number, number, number], number>(
        'SELECT 1 FROM event WHERE list_index = +? AND pin = +? AND type BETWEEN ? AND ? AND event_index < +? LIMIT 1',
      )
      .pluck();
    this.readThrough = database.prepare<[], number>("SELECT event_index FROM roll_up WHERE name = 'pairs'").pluck();
    this.putShown = database.prepare('INSERT INTO pin_shown VALUES (?, 1) ON CONFLICT DO UPDATE SET lists = lists + 1');
    this.putThrough = database.prepare("INSERT OR REPLACE INTO roll_up VALUES ('pairs', ?)");
    this.putPosition = database.prepare('INSERT OR REPLACE INTO position_engagement VALUES (?, ?, ?)');
    this.shownOf = database.prepare<[number], number>('SELECT lists FROM pin_shown WHERE pin = ?').pluck();
    this.put = database.prepare('INSERT OR REPLACE INTO pair_engagement VALUES (?, ?, ?, ?, ?)');
    this.readAll = database.transaction((queryPins: readonly number[]) => {
      for (const queryPin of queryPins) this.read(queryPin);
    });
    this.load();
  }

  private load(): void {
    this.through = this.readThrough.get() ?? 0;
    const rows = this.database
      .prepare<[], { position: number; impressions: number; clicks: number }>('SELECT * FROM position_engagement')
      .all();
    for (const { position, impressions, clicks } of rows) {
      this.impressionsAt[position] = impressions;
      this.clicksAt[position] = clicks;
    }
  }

  /** Ratio of each pair into `out`, 0 where nothing is known of a pair; false when nothing is known of the query at all. */
  clicksOverExpected(queryPin: number, pinIndexes: Int32Array, count: number, out: Float32Array): boolean {
    const { pins, ratios } = this.ratiosOf(queryPin);
    if (pins.length === 0) return false;
    // Most candidates are in no pair, and the low bits of nearly all of those say so.
    lowBits.fill(0);
    for (const pin of pins) lowBits[pin & LOW_BITS] = 1;
    for (let i = 0; i < count; i++) {
      const pin = pinIndexes[i];
      out[i] = 0;
      if (lowBits[pin & LOW_BITS] === 0) continue;
      const at = placeOf(pins, pin);
      if (pins[at] === pin) out[i] = ratios[at];
    }
    return true;
  }

  /** On how many lists that somebody looked at each pin stood. */
  impressionsOf(pinIndexes: Int32Array): Uint32Array {
    return Uint32Array.from(pinIndexes, (pin) => this.shownOf.get(pin) ?? 0);
  }

  /** Pins with a ratio of at least `ratioMin` for this query pin, the greatest first; ties by pin index. */
  winnersOf(queryPin: number, ratioMin: number): { readonly pinIndexes: Int32Array; readonly scores: Float32Array } {
    const { pins, ratios } = this.ratiosOf(queryPin);
    const winners: number[] = [];
    for (let at = 0; at < pins.length; at++) if (ratios[at] >= ratioMin && pins[at] !== queryPin) winners.push(at);
    winners.sort((a, b) => ratios[b] - ratios[a] || pins[a] - pins[b]);
    return { pinIndexes: Int32Array.from(winners, (at) => pins[at]), scores: Float32Array.from(winners, (at) => ratios[at]) };
  }

  /** For a process that does not roll up itself: forgets what it read when another has rolled up more since. */
  forgetIfMoved(): void {
    const through = this.readThrough.get() ?? 0;
    if (through === this.through) return;
    this.through = through;
    this.ratios.clear();
    this.silent.fill(0);
  }

  /** Reads what is not in memory of queries that will be asked about, all in one transaction: each by itself would lock the file. */
  readAhead(queryPins: readonly number[]): void {
    const unread = queryPins.filter((queryPin) => !this.isSilent(queryPin) && !this.ratios.has(queryPin));
    if (unread.length > 0) this.readAll(unread);
  }

  private ratiosOf(queryPin: number): QueryRatios {
    if (this.isSilent(queryPin)) return NOTHING;
    return this.ratios.get(queryPin) ?? this.read(queryPin);
  }

  private isSilent(queryPin: number): boolean {
    return ((this.silent[queryPin >>> 5] >>> (queryPin & 31)) & 1) === 1;
  }

  private noteSilent(queryPin: number): void {
    const word = queryPin >>> 5;
    if (word >= this.silent.length) {
      const more = new Uint32Array(2 * word + 1);
      more.set(this.silent);
      this.silent = more;
    }
    this.silent[word] |= 1 << (queryPin & 31);
  }

  private read(queryPin: number): QueryRatios {
    const rows = this.ofQuery.all(queryPin);
    if (rows.length === 0) {
      this.noteSilent(queryPin);
      return NOTHING;
    }
    const found = { pins: new Int32Array(rows.length), ratios: new Float64Array(rows.length) };
    for (let i = 0; i < rows.length; i++) {
      const [pin, clicks, expected] = rows[i];
      found.pins[i] = pin;
      found.ratios[i] = (clicks + SHRINK) / (expected + SHRINK);
    }
    this.ratios.set(queryPin, found);
    return found;
  }

  /**
   * Takes in events that came since the last call, a transaction per batch, for about `budgetMs`: what is left waits for
   * the next call, so that a flood of events holds up nobody. Returns how many were taken in.
   */
  catchUp(budgetMs = Number.POSITIVE_INFINITY): number {
    const until = performance.now() + budgetMs;
    const size = budgetMs === Number.POSITIVE_INFINITY ? BATCH : SMALL_BATCH;
    for (let taken = 0; ;) {
      const batch = this.events.eventsAfter(this.through, size);
      if (batch.length > 0) this.database.transaction(() => this.rollUp(batch)).immediate();
      taken += batch.length;
      this.behind = batch.length === size;
      if (!this.behind || performance.now() >= until) return taken;
    }
  }

  /** True when the last call left events for the next one. */
  get isBehind(): boolean {
    return this.behind;
  }

  private rollUp(batch: readonly LoggedEvent[]): void {
    for (const [listIndex, events] of byList(batch)) {
      const list = this.lists.headOf(listIndex);
      if (list === null) continue;
      const isFirst = this.earlier.get(listIndex, events[0].eventIndex) === undefined;
      if (isFirst) this.countPins(list.items);
      if (list.queryPinIndex < 0 || list.forced || ABOUT_A_REGION.has(list.surface)) continue;
      if (isFirst) this.countShown(list.queryPinIndex, list.items, list.at);
      this.countClicks(list, events);
    }
    this.through = batch[batch.length - 1].eventIndex;
    this.save();
  }

  private countClicks(list: StoredList, events: readonly LoggedEvent[]): void {
    const clicks = events.filter(({ type }) => CLICKS.has(type));
    for (const pin of new Set(clicks.map(({ pinIndex }) => pinIndex))) {
      const place = list.items.pinIndexes.indexOf(pin);
      const position = place < 0 ? 0 : list.items.positions[place];
      if (position === 0 || this.clickedBefore(list.listIndex, pin, events[0].eventIndex)) continue;
      this.clicksAt[Math.min(position, POSITIONS - 1)]++;
      this.changedPositions.add(Math.min(position, POSITIONS - 1));
      this.add(list.queryPinIndex, pin, 1, 0, list.at);
    }
  }

  private countPins({ count, pinIndexes, positions }: ServedItems): void {
    for (let i = 0; i < count; i++) if (positions[i] > 0) this.putShown.run(pinIndexes[i]);
  }

  private clickedBefore(listIndex: number, pin: number, eventIndex: number): boolean {
    return this.clicked.get(listIndex, pin, FIRST_CLICK, LAST_CLICK, eventIndex) !== undefined;
  }

  private countShown(queryPin: number, items: { readonly pinIndexes: Int32Array; readonly positions: Uint16Array }, at: number): void {
    for (let i = 0; i < items.pinIndexes.length; i++) {
      if (items.positions[i] === 0) continue;
      const position = Math.min(items.positions[i], POSITIONS - 1);
      const rate = (this.clicksAt[position] + PRIOR_RATE * PRIOR_IMPRESSIONS) / (this.impressionsAt[position] + PRIOR_IMPRESSIONS);
      this.impressionsAt[position]++;
      this.changedPositions.add(position);
      this.add(queryPin, items.pinIndexes[i], 0, rate, at);
    }
  }

  private add(queryPin: number, pin: number, clicks: number, expected: number, at: number): void {
    const before = this.ofPair.get(queryPin, pin);
    const decay = before ? 0.5 ** (Math.max(0, at - before.at) / HALF_LIFE_MS) : 0;
    const newest = Math.max(at, before?.at ?? 0);
    this.put.run(queryPin, pin, (before?.clicks ?? 0) * decay + clicks, (before?.expected ?? 0) * decay + expected, newest);
    this.ratios.delete(queryPin);
    if (this.isSilent(queryPin)) this.silent[queryPin >>> 5] &= ~(1 << (queryPin & 31));
  }

  private save(): void {
    this.putThrough.run(this.through);
    for (const position of this.changedPositions) {
      if (this.impressionsAt[position] > 0) this.putPosition.run(position, this.impressionsAt[position], this.clicksAt[position]);
    }
    this.changedPositions.clear();
  }
}

function byList(events: readonly LoggedEvent[]): ReadonlyMap<number, LoggedEvent[]> {
  const lists = new Map<number, LoggedEvent[]>();
  for (const event of events) {
    const known = lists.get(event.listIndex);
    if (known) known.push(event);
    else lists.set(event.listIndex, [event]);
  }
  return lists;
}

const LOW_BITS = 1023;
/** 1 for the low bits of a pin that is in a pair with the query. */
const lowBits = new Uint8Array(LOW_BITS + 1);

/** The first place of an ascending list that holds `value` or more; its length when none does. */
function placeOf(values: Int32Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
