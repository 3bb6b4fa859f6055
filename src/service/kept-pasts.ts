/**
 * What people did, kept in memory for those who came lately. Before a past is used, two short questions tell whether anything was
 * written to the log or the catalogue since, by whatever process; whoever did something is then read again. That takes a tenth of
 * the time of reading saves, actions and hides for each request. The answers are those of the databases, to the row.
 */
import { LRUCache } from 'lru-cache';
import type { HideAction, LogState, UserAction } from '../catalog/log/engagement-log.ts';
import { ERASED } from '../catalog/log/erasure-log.ts';
import type { LogDatabase } from '../catalog/log/log-database.ts';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import type { NameUser } from '../catalog/pins/user-pseudonym.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';

/** Rows of all people that are kept, some 60 bytes each. */
const ROWS_KEPT = 300_000;
/** Rows of one person that are kept; where more are asked for, they are read. */
const SAVES_KEPT = 1000;
const ACTIONS_KEPT = 300;
const SHOWN_KEPT = 1000;
/** What a person takes besides rows, in rows. */
const PERSON_ROWS = 20;
/** So many people did something at once, and all are read again. */
const CHANGED_MAX = 1000;
const ALWAYS = Number.MAX_SAFE_INTEGER;

interface Saved {
  readonly pinIndex: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The rows of one person, in the log and in the catalogue. `limit` -1: all. */
export interface PastRows {
  /** Newest first, none later than `until`. */
  saves(limit: number, until: number): readonly Saved[];
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

  saves(limit: number, until: number): readonly Saved[] {
    const { users, saves } = this.stores.catalog;
    const userIndex = users.indexOf(this.userId);
    return userIndex < 0 ? [] : saves.ofUser(userIndex, limit, until);
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

/** Newest first; `all`: no limit has cut them off. */
interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly all: boolean;
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
  private readonly savedRows: Rows<Saved>;
  private readonly actionRows: Rows<UserAction>;
  private readonly hideRows: readonly HideAction[];
  /** Read when a feed first asks. */
  private shownRows: Rows<UserAction> | null = null;

  constructor(stores: Stores, userId: string) {
    super(stores, userId);
    this.savedRows = newestOf(super.saves(SAVES_KEPT + 1, ALWAYS), SAVES_KEPT);
    this.actionRows = newestOf(super.actions(ACTIONS_KEPT + 1, ALWAYS), ACTIONS_KEPT);
    this.hideRows = super.hides(ALWAYS);
    const last = [this.savedRows.rows[0], this.actionRows.rows[0], this.hideRows[this.hideRows.length - 1]];
    this.newest = Math.max(...last.map((row) => row?.at ?? Number.NEGATIVE_INFINITY));
  }

  /** With room for what was shown. */
  get rows(): number {
    return PERSON_ROWS + this.savedRows.rows.length + 2 * this.actionRows.rows.length + this.hideRows.length;
  }

  override saves(limit: number, until: number): readonly Saved[] {
    return upTo(this.savedRows, limit, until) ?? super.saves(limit, until);
  }

  override actions(limit: number, before: number): readonly UserAction[] {
    return upTo(this.actionRows, limit, before - 1) ?? super.actions(limit, before);
  }

  override shown(limit: number, before: number): readonly UserAction[] {
    this.shownRows ??= newestOf(super.shown(SHOWN_KEPT + 1, ALWAYS), SHOWN_KEPT);
    return upTo(this.shownRows, limit, before - 1) ?? super.shown(limit, before);
  }

  override hides(until: number): readonly HideAction[] {
    const hideRows = this.strays ? super.hides(ALWAYS) : this.hideRows;
    if (hideRows.length === 0) return NONE;
    return hideRows[hideRows.length - 1].at <= until ? hideRows : hideRows.filter(({ at }) => at <= until);
  }
}

const NONE: readonly HideAction[] = [];

function newestOf<Row>(rows: readonly Row[], most: number): Rows<Row> {
  return rows.length > most ? { rows: rows.slice(0, most), all: false } : { rows, all: true };
}

/** The newest `limit` rows that are not later than `until`; null where rows that are not kept may belong to them. */
function upTo<Row extends { readonly at: number }>({ rows, all }: Rows<Row>, limit: number, until: number): readonly Row[] | null {
  let first = 0;
  while (first < rows.length && rows[first].at > until) first++;
  const wanted = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  if (!all && rows.length - first < wanted) return null;
  return first === 0 && rows.length <= wanted ? rows : rows.slice(first, first + wanted);
}

export class KeptPasts {
  private readonly stores: Stores;
  private readonly nameUser: NameUser;
  /** By stored name. */
  private readonly kept = new LRUCache<string, KeptPast>({ maxSize: ROWS_KEPT, sizeCalculation: ({ rows }) => rows });
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
