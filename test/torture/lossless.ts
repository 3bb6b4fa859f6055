import { afterAll, expect } from 'vitest';

interface Outcome {
  readonly lost?: number;
  readonly doubled?: number;
}

/**
 * Adds up what every attempt lost or counted twice. Being late on a busy machine may be tried again; losing something may not,
 * so the sum over all attempts has to be nothing.
 */
export function overAllAttempts(): <T extends Outcome>(outcome: T) => T {
  const sum = { lost: 0, doubled: 0 };
  afterAll(() => expect(sum).toEqual({ lost: 0, doubled: 0 }));
  return (outcome) => {
    sum.lost += outcome.lost ?? 0;
    sum.doubled += outcome.doubled ?? 0;
    return outcome;
  };
}
