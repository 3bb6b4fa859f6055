import { ServiceError } from '../errors.ts';

/** How long a caller waits for image work, and how much of it may be under way. */
export class InTime {
  private readonly waitMs: number;
  private readonly most: number;
  /** Pieces of work begun and not done. */
  private underWay = 0;

  constructor(waitMs: number, most: number) {
    this.waitMs = waitMs;
    this.most = most;
  }

  /**
   * Settles as the work does. After `waitMs` the caller is sent away and the work goes on, so that a later request finds
   * it done; it still counts as under way, or a storm of uploads would leave more work behind than is done in minutes.
   *
   * @throws FEATURES_NOT_READY after `waitMs`; SERVER_OVERLOADED when `most` pieces of work are under way.
   */
  async run<T>(begin: () => Promise<T>, pinId: string): Promise<T> {
    if (this.underWay >= this.most) throw new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 });
    this.underWay++;
    const work = begin().finally(() => this.underWay--);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, failed) => {
      const retryAfterSeconds = Math.ceil(this.waitMs / 1000);
      timer = setTimeout(() => failed(new ServiceError('FEATURES_NOT_READY', { pinId, retryAfterSeconds })), this.waitMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
