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

  /** Users under another name than the present secrets give: stored before one of them was set. */
  countOutdated(): number {
    const names = this.database.prepare('SELECT userId FROM users WHERE userId IS NOT NULL').pluck().iterate() as Iterable<string>;
    let count = 0;
    for (const name of names) if (this.nameUser(name) !== name) count++;
    return count;
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

  /** Ordinals of users whose id holds a text, whatever its case; the user whose id is the text comes first. */
  named(text: string, limit: number): number[] {
    const own = this.indexOf(text);
    const rows = this.database
      .prepare('SELECT userIndex FROM users WHERE instr(lower(userId), lower(?)) > 0 ORDER BY length(userId), userId LIMIT +?')
      .pluck()
      .all(text, limit) as number[];
    return own < 0 ? rows : [own, ...rows.filter((userIndex) => userIndex !== own)].slice(0, limit);
  }

  /** How many boards a user owns; 0 for one that is unknown. */
  boardsOf(id: string): number {
    return this.database.prepare('SELECT count(*) FROM boards WHERE ownerIndex = ?').pluck().get(this.indexOf(id)) as number;
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
        noteRemoved(this.database);
        return deleted;
      })
      .immediate();
  }
}

/** Renames users by the SQL function `name_user` of the connection; those who were met under both names become one. */
export function renameUsers(database: Database): { users: number; usersMerged: number } {
  const changed = 'userId IS NOT NULL AND userId <> name_user(userId)';
  const users = database.prepare(`UPDATE OR IGNORE users SET userId = name_user(userId) WHERE ${changed}`).run().changes;
  const pairs = database
    .prepare(
      `SELECT u.userIndex AS old, n.userIndex AS kept FROM users u JOIN users n ON n.userId = name_user(u.userId) WHERE u.userId <> name_user(u.userId)`,
    )
    .all() as { old: number; kept: number }[];
  for (const { old, kept } of pairs) {
    database.prepare('UPDATE OR IGNORE saves SET userIndex = ? WHERE userIndex = ?').run(kept, old);
    database.prepare('DELETE FROM saves WHERE userIndex = ?').run(old);
    database.prepare('UPDATE boards SET ownerIndex = ? WHERE ownerIndex = ?').run(kept, old);
    database.prepare('UPDATE users SET userId = NULL WHERE userIndex = ?').run(old);
  }
  if (pairs.length > 0) noteRemoved(database);
  return { users, usersMerged: pairs.length };
}

/** A change of its own: what was counted from the saves, or is kept of them, is read again. */
function noteRemoved(database: Database): void {
  database.exec(`UPDATE numbers SET value = value + 1 WHERE name = 'sequence';
    INSERT OR REPLACE INTO numbers SELECT 'removedThrough', value FROM numbers WHERE name = 'sequence'`);
}
