import type { Engagement } from '../../src/catalog/log/engagement-log.ts';
import type { EventType } from '../../src/catalog/pins/records.ts';
import { plainItems, type ServedList } from '../../src/catalog/log/served-list.ts';

/** A served list of `pins`, with nothing in it that experiments do not read. */
export function servedList(
  id: string,
  userId: string,
  at: number,
  arm: string | null,
  pins: readonly number[] = [1, 2, 3],
  more: Partial<ServedList> = {},
): ServedList {
  return {
    recommendationId: id,
    at,
    surface: 'closeup',
    queryPinIndex: 0,
    userId,
    arm,
    modelVersion: 'm1',
    treatment: '{}',
    forced: false,
    shuffled: false,
    latencyMs: 12,
    degraded: [],
    items: plainItems(pins),
    ...more,
  };
}

export function engagement(eventId: string, type: EventType, recommendationId: string, pinIndex: number, at: number): Engagement {
  return { eventId, type, recommendationId, pinIndex, position: null, userId: null, at };
}
