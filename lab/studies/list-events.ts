/** What a visitor did with a served list, as `POST /v1/events` takes it. */

interface ServedItems {
  readonly recommendationId: string;
  readonly items: readonly { readonly pinId: string; readonly position: number }[];
}

/** `item`: its place in the list, from 0. */
interface VisitorAction {
  readonly item: number;
  readonly type: string;
}

/** Events in the order of the actions; their ids are the list's with a number, so that a repeat changes nothing. */
export function eventsOf({ recommendationId, items }: ServedItems, userId: string, actions: readonly VisitorAction[]) {
  return actions.map(({ item, type }, n) => {
    const { pinId, position } = items[item];
    return { eventId: `${recommendationId}/${n}`, type, recommendationId, userId, pinId, position };
  });
}
