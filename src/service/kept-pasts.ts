/**
 * What people did, kept in memory for those who came lately. Before a past is used, two short questions tell whether anything was
 * written to the log or the catalogue since, by whatever process; whoever did something is then read again. That takes a tenth of
 * the time of reading saves, actions and hides for each request. The answers are those of the databases, to the row.
 */
import { LRUCache } from 'lru-cache';
import type { HideAction, LogState, UserAction } from '../catalog/log/engagement-log.ts';
import { ERASED } from '../catalog/log/erasure-log.ts';
import type { LogDatabase } from '../catalog/log/log-database.ts';
import { EVENT_TYPES } from '../catalog/pins/records.ts';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import type { NameUser } from '../catalog/pins/user-pseudonym.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';

/** Of all people, what is made of their rows included: some six thousand with fifty rows. In each thread that serves. */
const BYTES_KEPT = 24 * 2 ** 20;
/** Rows of one person that are kept; where more are asked for, they are read. */
const SAVES_KEPT = 1000;
const ACTIONS_KEPT = 300;
const SHOWN_KEPT = 1000;
/** What a person takes besides rows (measured): objects, the code and categories of the history. */
const PERSON_BYTES = 1800;
/** Of a row: a pin with the kind of action, a time; the same again in the weighed history. */
const ROW_BYTES = 32;
/** So many people did something at once, and all are read again. */
const CHANGED_MAX = 1000;
const ALWAYS = Number.MAX_SAFE_INTEGER;

/** The rows of one person, in the log and in the catalogue. `limit` -1: all. */
export interface PastRows {
  /** Newest first, none later than `until`. */
  saves(limit: number, until: number): readonly UserAction[];
  /** Newest first, each before `before`. */
  actions(limit: number, before: number): readonly UserAction[];
  /** The same with impressions. */
  shown(limit: number, before: number): readonly UserAction[];
  /** In order of time, none later than `until`. */
  hides(until: number): readonly HideAction[];
}

interface Stores {
  readonly catalog: CatalogStore;
  readonly log: LogDatabase;
}

/** Rows as the databases have them: the plain twin. */
export class StoredPast implements PastRows {
  protected readonly stores: Stores;
  protected readonly userId: string;

  constructor(stores: Stores, userId: string) {
    this.stores = stores;
    this.userId = userId;
  }

  saves(limit: number, until: number): readonly UserAction[] {
    const { users, saves } = this.stores.catalog;
    const userIndex = users.indexOf(this.userId);
    const rows = userIndex < 0 ? [] : saves.ofUser(userIndex, limit, until);
    return rows.map(({ pinIndex, at }) => ({ pinIndex, type: 'save', at }));
  }

  actions(limit: number, before: number): readonly UserAction[] {
    return this.stores.log.events.actionsOf(this.userId, limit, { before });
  }

  shown(limit: number, before: number): readonly UserAction[] {
    return this.stores.log.events.actionsOf(this.userId, limit, { before, withImpressions: true });
  }

  hides(until: number): readonly HideAction[] {
    return this.stores.log.events.hidesOf(this.userId, until);
  }
}

/** Actions, newest first, as numbers: a third of the memory of as many objects. */
class PackedActions {
  /** Whether no limit has cut them off. */
  private readonly all: boolean;
  /** For each: pin x types + type, then the time. */
  private readonly numbers: Float64Array;

  constructor(actions: readonly UserAction[], most: number) {
    this.all = actions.length <= most;
    this.numbers = new Float64Array(2 * Math.min(most, actions.length));
    for (let i = 0; i < this.length; i++) {
      const { pinIndex, type, at } = actions[i];
      this.numbers[2 * i] = pinIndex * EVENT_TYPES.length + EVENT_TYPES.indexOf(type);
      this.numbers[2 * i + 1] = at;
    }
  }

  get length(): number {
    return this.numbers.length / 2;
  }

  /** The time of the first; minus infinity without any. */
  get newest(): number {
    return this.length === 0 ? Number.NEGATIVE_INFINITY : this.numbers[1];
  }

  /** The newest `limit` that are not later than `until`; null where some that are not kept may belong to them. */
  upTo(limit: number, until: number): UserAction[] | null {
    let first = 0;
    while (first < this.length && this.numbers[2 * first + 1] > until) first++;
    const wanted = limit < 0 ? Number.POSITIVE_INFINITY : limit;
    if (!this.all && this.length - first < wanted) return null;
    return Array.from({ length: Math.min(wanted, this.length - first) }, (_, i) => this.at(first + i));
  }

  private at(place: number): UserAction {
    const packed = this.numbers[2 * place];
    const type = packed % EVENT_TYPES.length;
    return { pinIndex: (packed - type) / EVENT_TYPES.length, type: EVENT_TYPES[type], at: this.numbers[2 * place + 1] };
  }
}

/** The weighed pins of a past. */
interface KeptHistory {
  /** What they were made of besides: the same things give the same pins. */
  readonly of: readonly unknown[];
  /** The time of the last action. */
  readonly newest: number;
  readonly pins: WeightedPins;
}

/** The same object as long as nothing came from its person. */
export class KeptPast extends StoredPast {
  /** Events of unknown lists are about, which carry no number by which they would be noticed: hides are read. */
  strays = false;
  /** What was made of these rows and of other things; null: nothing yet. */
  history: KeptHistory | null = null;
  /** The time of the last row; minus infinity without any. */
  readonly newest: number;
  private readonly saved: PackedActions;
  private readonly acted: PackedActions;
  private readonly hidden: readonly HideAction[];
  /** Read when a feed first asks. */
  private seen: PackedActions | null = null;

  constructor(stores: Stores, userId: string) {
    super(stores, userId);
    this.saved = new PackedActions(super.saves(SAVES_KEPT + 1, ALWAYS), SAVES_KEPT);
    this.acted = new PackedActions(super.actions(ACTIONS_KEPT + 1, ALWAYS), ACTIONS_KEPT);
    this.hidden = super.hides(ALWAYS);
    this.newest = Math.max(this.saved.newest, this.acted.newest, this.hidden[this.hidden.length - 1]?.at ?? Number.NEGATIVE_INFINITY);
  }

  /** With room for what was shown. */
  get bytes(): number {
    return PERSON_BYTES + ROW_BYTES * (this.saved.length + 2 * this.acted.length + this.hidden.length);
  }

  override saves(limit: number, until: number): readonly UserAction[] {
    return this.saved.upTo(limit, until) ?? super.saves(limit, until);
  }

  override actions(limit: number, before: number): readonly UserAction[] {
    return this.acted.upTo(limit, before - 1) ?? super.actions(limit, before);
  }

  override shown(limit: number, before: number): readonly UserAction[] {
    this.seen ??= new PackedActions(super.shown(SHOWN_KEPT + 1, ALWAYS), SHOWN_KEPT);
    return this.seen.upTo(limit, before - 1) ?? super.shown(limit, before);
  }

  override hides(until: number): readonly HideAction[] {
    const hidden = this.strays ? super.hides(ALWAYS) : this.hidden;
    if (hidden.length === 0) return NONE;
    return hidden[hidden.length - 1].at <= until ? hidden : hidden.filter(({ at }) => at <= until);
  }
}

const NONE: readonly HideAction[] = [];

export class KeptPasts {
  private readonly stores: Stores;
  private readonly nameUser: NameUser;
  /** By stored name. */
  private readonly kept = new LRUCache<string, KeptPast>({ maxSize: BYTES_KEPT, sizeCalculation: ({ bytes }) => bytes });
  private log: LogState = { last: 0, erasures: 0, prunes: 0, strays: 0 };
  private sequence = 0;
  private rewritten = 0;

  /** `nameUser`: the name under which both databases store a user. */
  constructor(stores: Stores, nameUser: NameUser) {
    this.stores = stores;
    this.nameUser = nameUser;
  }

  /** What a person did as of now. */
  of(userId: string): KeptPast {
    this.forgetActed();
    this.forgetSaved();
    const name = this.nameUser(userId);
    const known = this.kept.get(name);
    const past = known ?? new KeptPast(this.stores, userId);
    if (!known) this.kept.set(name, past);
    past.strays = this.log.strays === 1;
    return past;
  }

  private forgetActed(): void {
    const { events } = this.stores.log;
    const before = this.log;
    const now = events.state();
    this.log = now;
    if (now.erasures !== before.erasures || now.prunes !== before.prunes || now.last < before.last) this.kept.clear();
    else if (now.last > before.last) this.forget(events.actorsAfter(before.last, CHANGED_MAX));
  }

  private forgetSaved(): void {
    const { sequence, saves } = this.stores.catalog;
    const now = sequence.current();
    if (now === this.sequence) return;
    const rewritten = saves.rewrittenThrough();
    // A catalogue that was put back counts from further back.
    if (rewritten !== this.rewritten || now < this.sequence) this.kept.clear();
    else this.forget(saves.saversAfter(this.sequence, CHANGED_MAX));
    this.sequence = now;
    this.rewritten = rewritten;
  }

  private forget(names: readonly string[]): void {
    if (names.length === CHANGED_MAX || names.some((name) => name.startsWith(ERASED))) this.kept.clear();
    else for (const name of names) this.kept.delete(name);
  }
}
