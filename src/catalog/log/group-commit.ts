import { type Database, diskFullError } from '../database.ts';

/** Longest wait of an urgent write for others to share its commit. */
const URGENT_MS = 3;

interface Waiting {
  readonly work: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Gathers writes of many requests into one transaction, so that durability costs one commit for all of them.
 * A write that nobody waits for may wait up to `waitMs`; an urgent one commits as soon as a turn of the event loop has
 * brought no further write (requests are let in one a turn), at most three milliseconds later. Each promise settles after the commit: fulfilled means durable. A write that throws is
 * undone and rejected alone, and the others are run again: work must stand being repeated after it was undone. A commit
 * that fails rejects all of its writes (`DATA_DISK_FULL` when the disk is full).
 */
export class GroupCommit {
  private readonly database: Database;
  private readonly waitMs: number;
  private waiting: Waiting[] = [];
  private closed = false;
  private timer: NodeJS.Timeout | null = null;
  private immediate: NodeJS.Immediate | null = null;
  /** Called after a rollback: caches of row numbers given out inside the transaction are void. */
  private readonly onRollback: (() => void)[] = [];

  private readonly atomic: (work: () => void) => void;

  constructor(database: Database, waitMs: number) {
    this.database = database;
    this.waitMs = waitMs;
    this.atomic = database.transaction((work: () => void) => work());
  }

  onUndone(listener: () => void): void {
    this.onRollback.push(listener);
  }

  write(work: () => void, urgent = false): Promise<void> {
    if (this.closed) return Promise.reject(new TypeError('group commit: expected to be open, it was closed'));
    return new Promise((done, failed) => {
      this.waiting.push({ work, done, failed });
      if (urgent) this.hurry();
      else this.timer ??= setTimeout(() => this.flush(), this.waitMs);
    });
  }

  private hurry(): void {
    if (this.immediate) return;
    const latest = performance.now() + URGENT_MS;
    const look = (seen: number): void => {
      const { length } = this.waiting;
      if (length === seen || performance.now() >= latest) this.flush();
      else this.immediate = setImmediate(look, length);
    };
    this.immediate = setImmediate(look, this.waiting.length);
  }

  /** Commits what is waiting; later writes are refused. */
  close(): void {
    this.flush();
    this.closed = true;
  }

  /** Commits what is waiting, now. */
  flush(): void {
    if (this.timer) clearTimeout(this.timer);
    if (this.immediate) clearImmediate(this.immediate);
    this.timer = this.immediate = null;
    const group = this.waiting;
    if (group.length === 0) return;
    this.waiting = [];
    const failures = new Map<Waiting, unknown>();
    if (this.runTogether(group)) return;
    try {
      this.atomic(() => this.runAll(group, failures));
    } catch (error) {
      this.tellUndone();
      const reported = diskFullError(error, this.database.name);
      for (const entry of group) entry.failed(reported);
      return;
    }
    for (const entry of group) {
      if (failures.has(entry)) entry.failed(failures.get(entry));
      else entry.done();
    }
  }

  /**
   * Runs and commits all writes as one, which is what nearly always happens. False when one of them threw: everything is
   * undone, to be done again with each write for itself (two statements more for each).
   */
  private runTogether(group: readonly Waiting[]): boolean {
    try {
      this.atomic(() => {
        for (const { work } of group) work();
      });
    } catch {
      this.tellUndone();
      return false;
    }
    for (const entry of group) entry.done();
    return true;
  }

  private runAll(group: readonly Waiting[], failures: Map<Waiting, unknown>): void {
    for (const entry of group) {
      try {
        this.atomic(entry.work);
      } catch (error) {
        if (!this.database.inTransaction || isStorageFault(error)) throw error;
        // Now, not after the group: the next entry must not refer to a row number that was taken back with this one.
        this.tellUndone();
        failures.set(entry, error);
      }
    }
  }

  private tellUndone(): void {
    for (const listener of this.onRollback) listener();
  }
}

/** The storage itself failed (full, unreadable): no write of the group can be trusted. */
function isStorageFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY)/.test(code);
}
