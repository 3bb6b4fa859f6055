import type { Database, Statement } from '../database.ts';
import type { NameUser } from '../pins/user-pseudonym.ts';

/** Numbers remembered; a full map starts again. */
const NUMBERS_KEPT = 100_000;

/**
 * Texts that repeat in the log (treatments, model versions, column names, user ids), each stored once and referred to
 * by number. Numbers are given out inside the caller's transaction; `forget` after a rollback.
 */
export class WordLog {
  private readonly insert: Statement<[string]>;
  private readonly find: Statement<[string], number>;
  private readonly read: Statement<[number], string>;
  private readonly numbers = new Map<string, number>();
  private readonly texts = new Map<number, string>();

  private readonly nameOf: NameUser;

  /** `nameOf`: what a text is stored as, for the ids of people. */
  constructor(database: Database, table: 'word' | 'person', nameOf: NameUser = (text) => text) {
    this.nameOf = nameOf;
    this.insert = database.prepare(`INSERT INTO ${table} (text) VALUES (?)`);
    this.find = database.prepare<[string], number>(`SELECT id FROM ${table} WHERE text = ?`).pluck();
    this.read = database.prepare<[number], string>(`SELECT text FROM ${table} WHERE id = ?`).pluck();
  }

  /** The number of a text, made if it is new. */
  numberOf(text: string): number {
    const known = this.known(text);
    if (known !== null) return known;
    const made = Number(this.insert.run(this.nameOf(text)).lastInsertRowid);
    this.note(text, made);
    return made;
  }

  /** The number of a text, or null if the log has never met it. */
  known(text: string): number | null {
    const cached = this.numbers.get(text);
    if (cached !== undefined) return cached;
    const stored = this.find.get(this.nameOf(text));
    if (stored === undefined) return null;
    this.note(text, stored);
    return stored;
  }

  textOf(number: number): string {
    const cached = this.texts.get(number);
    if (cached !== undefined) return cached;
    const text = this.read.get(number);
    if (text === undefined) throw new RangeError(`word ${number} is not in the log`);
    this.texts.set(number, text);
    this.note(text, number);
    return text;
  }

  forget(): void {
    this.numbers.clear();
    this.texts.clear();
  }

  private note(text: string, number: number): void {
    if (this.numbers.size >= NUMBERS_KEPT) this.forget();
    this.numbers.set(text, number);
  }
}
