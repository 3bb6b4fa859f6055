/** Users in SQLite: nothing but an id (or its pseudonym) and a dense ordinal from 0 (userIndex). */
import type { Database, Statement } from '../database.ts';
import { type NameUser, userNaming } from './user-pseudonym.ts';

export const USER_TABLES = `
  CREATE TABLE users (userIndex INTEGER PRIMARY KEY, userId TEXT UNIQUE);
`;

export class UserStore {
  private readonly database: Database;
  private readonly findIndex: Statement;
  private readonly findId: Statement;
  private readonly insert: Statement;
  private readonly nameUser: NameUser;

  constructor(database: Database, nameUser: NameUser = userNaming('')) {
    this.database = database;
    this.nameUser = nameUser;
    this.findIndex = database.prepare('SELECT userIndex FROM users WHERE userId = ?').pluck();
    this.findId = database.prepare('SELECT userId FROM users WHERE userIndex = ?').pluck();
    this.insert = database.prepare('INSERT INTO users SELECT coalesce(max(userIndex) + 1, 0), ? FROM users RETURNING userIndex').pluck();
  }

  count(): number {
    return this.database.prepare('SELECT coalesce(max(userIndex) + 1, 0) FROM users').pluck().get() as number;
  }

  /** Users under an id that is no pseudonym: stored before a secret was set. */
  countPlain(): number {
    return this.database.prepare("SELECT count(*) FROM users WHERE userId IS NOT NULL AND userId NOT LIKE '~%'").pluck().get() as number;
  }

  /** The ordinal of a user id, -1 when unknown. */
  indexOf(id: string): number {
    return (this.findIndex.get(this.nameUser(id)) as number | undefined) ?? -1;
  }

  /** The id, or null for an ordinal that is unknown or was erased. */
  idOf(userIndex: number): string | null {
    return (this.findId.get(userIndex) as string | null | undefined) ?? null;
  }

  /** The ordinal of a user id, given out now if it is new. */
  ensure(id: string): number {
    const known = this.indexOf(id);
    return known >= 0 ? known : (this.insert.get(this.nameUser(id)) as number);
  }

  /** Forgets a user: saves and ownership go, the ordinal stays taken without a name. Returns the saves deleted; -1 if unknown. */
  erase(id: string): number {
    return this.database
      .transaction(() => {
        const userIndex = this.indexOf(id);
        if (userIndex < 0) return -1;
        this.database.prepare('DELETE FROM removed_saves WHERE userIndex = ?').run(userIndex);
        const deleted = this.database.prepare('DELETE FROM saves WHERE userIndex = ?').run(userIndex).changes;
        this.database.prepare('UPDATE boards SET ownerIndex = NULL WHERE ownerIndex = ?').run(userIndex);
        this.database.prepare('UPDATE users SET userId = NULL WHERE userIndex = ?').run(userIndex);
        this.database.prepare("INSERT OR REPLACE INTO numbers SELECT 'removedThrough', value FROM numbers WHERE name = 'sequence'").run();
        return deleted;
      })
      .immediate();
  }
}
