/**
 * The catalogue: pins, boards, saves, users and their text, in one SQLite file. This is the door; each table has a file
 * of its own beside it.
 */
import { join } from 'node:path';
import { BOARD_TABLES, BoardStore } from './board-store.ts';
import { deriveCategories } from './category-store.ts';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../database.ts';
import { ERASURE_TABLES, ErasureStore } from './erasure-store.ts';
import { GroupStore } from './group-store.ts';
import { IMPORT_TABLES, ImportStore } from './import-store.ts';
import { PIN_FIELD_TABLES, PIN_TABLES, PIN_WORD_TABLES, PinStore } from './pin-store.ts';
import { REMOVAL_TABLES, RemovalStore } from './removal-store.ts';
import { PAIR_TABLES, PairJudgementStore } from './pair-judgement-store.ts';
import { SAVE_TABLES, SaveStore } from './save-store.ts';
import { Sequence, SEQUENCE_TABLES } from '../log/sequence-store.ts';
import { TEXT_TABLES, TextStore, WORD_TABLES } from './text-store.ts';
import { userNaming, type UserSecrets } from './user-pseudonym.ts';
import { USER_TABLES, UserStore } from './user-store.ts';

const STEPS = [
  [SEQUENCE_TABLES, PIN_TABLES, BOARD_TABLES, SAVE_TABLES, USER_TABLES, TEXT_TABLES, IMPORT_TABLES].join('\n'),
  PIN_FIELD_TABLES,
  REMOVAL_TABLES,
  PIN_WORD_TABLES,
  WORD_TABLES,
  PAIR_TABLES,
  ERASURE_TABLES,
];

export class CatalogStore {
  readonly database: Database;
  readonly sequence: Sequence;
  readonly pins: PinStore;
  readonly boards: BoardStore;
  readonly saves: SaveStore;
  readonly removals: RemovalStore;
  readonly erasures: ErasureStore;
  readonly groups: GroupStore;
  /** What people said of near-duplicates. */
  readonly pairs: PairJudgementStore;
  readonly users: UserStore;
  readonly text: TextStore;
  readonly imports: ImportStore;

  /** `userKey`: the secret of users' pseudonyms; empty: users are stored under their own ids. */
  constructor(database: Database, userKey: UserSecrets = '') {
    migrate(database, 'catalog', STEPS);
    this.database = database;
    this.sequence = new Sequence(database);
    this.text = new TextStore(database);
    this.text.fillAfterMigration(this.sequence);
    this.users = new UserStore(database, userNaming(userKey));
    this.pins = new PinStore(database, this.sequence, this.text);
    this.boards = new BoardStore(database, this.sequence, this.users);
    this.saves = new SaveStore(database, this.sequence);
    this.removals = new RemovalStore(database, this.sequence);
    this.erasures = new ErasureStore(database, this.sequence);
    this.groups = new GroupStore(database, this.sequence);
    this.pairs = new PairJudgementStore(database, this.groups);
    this.imports = new ImportStore(database);
  }

  /** Derives category vectors of pins touched since the last call, or after the change `own`; returns the pins whose vector changed. */
  deriveCategories(own?: number): number[] {
    return deriveCategories(this.database, this.sequence, own);
  }

  /** Number of the last change. */
  lastChange(): number {
    return this.sequence.current();
  }

  /** Pins whose row, vector or saves changed after `sequence`, ascending. */
  changedPinsSince(sequence: number): number[] {
    const changed = new Set([...this.pins.changedSince(sequence), ...this.saves.savedSince(sequence)]);
    return [...changed].sort((a, b) => a - b);
  }

  /** True when memberships were removed after `sequence`: what was counted from them must be counted again. */
  removedSince(sequence: number): boolean {
    return this.sequence.number('removedThrough') > sequence;
  }

  /** One transaction around several writes. */
  transaction<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }

  close(): void {
    this.database.close();
  }
}

/** Opens the catalogue of a data folder (`:memory:` for one that is gone with the process). */
export function openCatalog(dataFolder: string, options: DatabaseOptions = {}): CatalogStore {
  const path = dataFolder === ':memory:' ? dataFolder : join(dataFolder, 'catalog.sqlite');
  return new CatalogStore(openDatabase(path, options), options.userKey);
}
