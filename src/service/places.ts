import { ServiceError } from '../errors.ts';

interface Waiting {
  readonly owner: string;
  readonly begin: () => void;
}

/** Places for work of the same kind: so many in all, so many of one owner, and so many that wait for one. */
export class Places {
  private readonly all: number;
  private readonly ofOne: number;
  private readonly taken = new Map<string, number>();
  private readonly waiting = new Set<Waiting>();
  private count = 0;

  constructor(all: number, ofOne: number) {
    this.all = all;
    this.ofOne = ofOne;
  }

  /** Takes a place at once. @throws SERVER_OVERLOADED when none is free, REQUEST_RATE_LIMITED when this owner has too many. */
  take(owner: string): void {
    if (this.ownedBy(owner) >= this.ofOne) throw new ServiceError('REQUEST_RATE_LIMITED', { retryAfterSeconds: 1 });
    if (this.count >= this.all) throw new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 });
    this.begin(owner);
  }

  /** Settles with a place. @throws SERVER_OVERLOADED after so many milliseconds, or at once when `most` wait already. */
  async wait(owner: string, ms: number, most: number): Promise<void> {
    if (this.isFree(owner)) return this.begin(owner);
    if (this.waiting.size >= most) throw new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 });
    await new Promise<void>((begin, failed) => {
      const late = setTimeout(() => {
        this.waiting.delete(entry);
        failed(new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 }));
      }, ms);
      const entry: Waiting = {
        owner,
        begin: () => {
          clearTimeout(late);
          begin();
        },
      };
      this.waiting.add(entry);
    });
  }

  /** Gives a place back, to the one who has waited longest and may have it. */
  giveBack(owner: string): void {
    this.count--;
    const left = this.ownedBy(owner) - 1;
    if (left > 0) this.taken.set(owner, left);
    else this.taken.delete(owner);
    for (const entry of this.waiting) {
      if (!this.isFree(entry.owner)) continue;
      this.waiting.delete(entry);
      this.begin(entry.owner);
      entry.begin();
    }
  }

  private isFree(owner: string): boolean {
    return this.count < this.all && this.ownedBy(owner) < this.ofOne;
  }

  private ownedBy(owner: string): number {
    return this.taken.get(owner) ?? 0;
  }

  private begin(owner: string): void {
    this.count++;
    this.taken.set(owner, this.ownedBy(owner) + 1);
  }
}
