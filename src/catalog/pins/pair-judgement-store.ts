/**
 * What people said of two pictures: the same, or not. It stands above every threshold: builds of near-duplicate groups, and
 * the group of a picture that arrives, are corrected by it.
 */
import type { Database } from '../database.ts';
import type { GroupStore } from './group-store.ts';

/** Version 5 of the tables of the catalogue. a < b. */
export const PAIR_TABLES = `
  CREATE TABLE judged_pairs (a INTEGER NOT NULL, b INTEGER NOT NULL, same INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
  CREATE INDEX judged_pairs_by_b ON judged_pairs (b);
`;

interface JudgedPair {
  readonly a: number;
  readonly b: number;
  readonly same: boolean;
}

export class PairJudgementStore {
  private readonly database: Database;
  private readonly groups: GroupStore;

  constructor(database: Database, groups: GroupStore) {
    this.database = database;
    this.groups = groups;
  }

  all(): readonly JudgedPair[] {
    const rows = this.database.prepare('SELECT a, b, same FROM judged_pairs ORDER BY a, b').raw().all() as [number, number, number][];
    return rows.map(([a, b, same]) => ({ a, b, same: same === 1 }));
  }

  /** Whether two pins were said to differ. */
  areDifferent(one: number, other: number): boolean {
    const said = this.database.prepare('SELECT same FROM judged_pairs WHERE a = ? AND b = ?').pluck();
    return said.get(Math.min(one, other), Math.max(one, other)) === 0;
  }

  /** Notes what was said of every two of these pins (null: it is taken back), and regroups them and their groups at once. */
  judge(pinIndexes: readonly number[], same: boolean | null, now: number): void {
    const put = this.database.prepare('INSERT OR REPLACE INTO judged_pairs VALUES (?, ?, ?, ?)');
    const forget = this.database.prepare('DELETE FROM judged_pairs WHERE a = ? AND b = ?');
    const sorted = [...new Set(pinIndexes)].sort((a, b) => a - b);
    this.database
      .transaction(() => {
        for (const [i, a] of sorted.entries()) {
          for (const b of sorted.slice(i + 1)) {
            if (same === null) forget.run(a, b);
            else put.run(a, b, same ? 1 : 0, now);
          }
        }
        this.regroup(sorted);
      })
      .immediate();
  }

  /** The groups that hold these pins, made again as they are now and as people said. */
  private regroup(pinIndexes: readonly number[]): void {
    const membersOf = this.database.prepare('SELECT pinIndex FROM pin_groups WHERE groupIndex = ?').pluck();
    const before = new Map<number, number>();
    for (const pinIndex of pinIndexes) {
      const group = this.groups.of(pinIndex);
      for (const member of [group, pinIndex, ...(membersOf.all(group) as number[])]) before.set(member, group);
    }
    this.groups.set(judgedGroups(before, this.all()));
  }
}

/**
 * Groups (pin to any member of its group) corrected by what people said: pairs that are the same are united first, then
 * groups are parted so that no two that differ stay together. A pin joins the first part with nothing it differs from, in
 * order of pins, so the result does not depend on the order of judgements. Each group is named by its smallest pin.
 */
export function judgedGroups(groups: ReadonlyMap<number, number>, judged: readonly JudgedPair[]): Map<number, number> {
  const known = judged.filter(({ a, b }) => groups.has(a) && groups.has(b));
  const different = new Set(known.filter(({ same }) => !same).map(({ a, b }) => `${a} ${b}`));
  const differ = (a: number, b: number): boolean => different.has(a < b ? `${a} ${b}` : `${b} ${a}`);
  const name = new Map(groups);
  for (const { a, b, same } of known) {
    const [from, to] = [name.get(b), name.get(a)];
    if (same && from !== to) for (const [pin, group] of name) if (group === from) name.set(pin, to as number);
  }
  const parts = new Map<number, number[][]>();
  for (const pin of [...name.keys()].sort((a, b) => a - b)) {
    const ofGroup = parts.get(name.get(pin) as number) ?? [];
    const part = ofGroup.find((members) => !members.some((member) => differ(member, pin)));
    if (part) part.push(pin);
    else ofGroup.push([pin]);
    parts.set(name.get(pin) as number, ofGroup);
  }
  const result = new Map<number, number>();
  for (const ofGroup of parts.values()) for (const members of ofGroup) for (const member of members) result.set(member, members[0]);
  return result;
}
