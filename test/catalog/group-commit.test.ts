import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/catalog/database.ts';
import { GroupCommit } from '../../src/catalog/log/group-commit.ts';
import { WordLog } from '../../src/catalog/log/word-log.ts';

let database: Database;
let commit: GroupCommit;
let people: WordLog;
beforeEach(() => {
  database = openDatabase(':memory:');
  database.exec('CREATE TABLE person (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT');
  commit = new GroupCommit(database, 1000);
  people = new WordLog(database, 'person');
  commit.onUndone(() => people.forget());
});
afterEach(() => database.close());

describe('group commit', () => {
  // The listeners were told after the group: the second write referred to a person whose row was gone.
  it('a write beside one that failed refers to nothing that was undone with it', async () => {
    let given = 0;
    const failing = commit.write(() => {
      people.numberOf('ann');
      throw new RangeError('no');
    });
    const good = commit.write(() => {
      given = people.numberOf('ann');
    });
    commit.flush();
    await expect(failing).rejects.toThrow('no');
    await good;
    expect(database.prepare('SELECT text FROM person WHERE id = ?').pluck().get(given)).toBe('ann');
  });

  it('says that the disk is full when the database cannot grow, and takes writes again when it can', async () => {
    const insert = database.prepare('INSERT INTO person (text) VALUES (hex(randomblob(100000)))');
    database.pragma('max_page_count = 10');
    const refused = commit.write(() => void insert.run());
    commit.flush();
    await expect(refused).rejects.toMatchObject({ code: 'DATA_DISK_FULL' });
    database.pragma('max_page_count = 1000');
    const taken = commit.write(() => void insert.run());
    commit.flush();
    await taken;
  });
});
