/** What a site does with the client: a closeup, what its visitor did with it, a feed, a search inside a picture. */
import { type components, RelatedPins } from './client.ts';

export type Item = components['schemas']['Item'];

export async function visit(base: string, userId: string, pinId: string, key?: string) {
  const pins = new RelatedPins(base, key);
  const closeup = await pins.get('/v1/pins/{id}/related', { path: { id: pinId }, query: { userId, limit: 6, fields: 'title,image,link' } });
  const [first]: readonly Item[] = closeup.items;
  const receipt = await pins.post('/v1/events', {
    body: {
      events: closeup.items.slice(0, 1).map((item) => ({
        eventId: crypto.randomUUID(),
        type: 'save' as const,
        recommendationId: closeup.recommendationId,
        pinId: item.pinId,
        position: item.position,
        userId,
      })),
    },
  });
  const feed = await pins.get('/v1/users/{id}/home-feed', { path: { id: userId }, query: { limit: 6 } });
  const { boards } = await pins.get('/v1/pins/{id}/boards', { path: { id: pinId } });
  return {
    first: first?.pinId ?? null,
    written: receipt.written,
    feed: feed.items.map(({ pinId: id }) => id),
    boards: boards.map(({ title }) => title),
  };
}

/** Only compiled: a crop of a pin's picture, by fractions of its sides. */
export async function searchInside(pins: RelatedPins, pinId: string): Promise<readonly string[]> {
  const found = await pins.post('/v1/visual-search', {
    body: { pinId, box: [0.2, 0.2, 0.8, 0.8], boxUnit: 'fractions', mode: 'flashlight' },
  });
  return found.items.map((item) => `${item.title}, ${item.distance} bits`);
}
