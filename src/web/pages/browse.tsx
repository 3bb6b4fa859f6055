import { useCallback, useEffect, useState } from 'preact/hooks';
import { call, type PinSummary } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Masonry } from '../parts/masonry.tsx';
import { PinCard } from '../parts/pin-card.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { go, type Place, withQuery } from '../router.ts';

interface PinPage {
  readonly pins: readonly PinSummary[];
  readonly nextCursor: string | null;
}

/** All pins: by category, by words, page after page as one scrolls. */
export function Browse({ place }: { place: Place }) {
  const category = place.query.get('category') ?? '';
  const words = place.query.get('q') ?? '';
  const [pages, setPages] = useState<readonly PinPage[]>([]);
  const [more, setMore] = useState(false);
  const address = `/pins?distinct=true&limit=60${category ? `&category=${encodeURIComponent(category)}` : ''}${words ? `&q=${encodeURIComponent(words)}` : ''}`;
  const first = useLoaded(address, (signal) => call<PinPage>(address, { signal }));
  const categories = useLoaded('categories', (signal) =>
    call<{ categories: readonly { name: string; pins: number }[] }>('/categories', { signal }),
  );
  useEffect(() => setPages(first.kind === 'there' ? [first.value] : []), [first]);
  const cursor = pages.at(-1)?.nextCursor ?? null;
  const loadMore = useCallback(() => {
    if (!cursor || more) return;
    setMore(true);
    call<PinPage>(`${address}&cursor=${encodeURIComponent(cursor)}`)
      .then((page) => setPages((known) => [...known, page]))
      .catch(() => undefined)
      .finally(() => setMore(false));
  }, [cursor, more, address]);
  const pins = pages.flatMap((page) => page.pins);
  return (
    <main>
      {categories.kind === 'there' && (
        <nav class="chips" aria-label="Categories">
          <a class={category === '' ? 'chip on' : 'chip'} href={withQuery(place, { category: null })}>
            everything
          </a>
          {categories.value.categories
            .filter((row) => row.pins > 0)
            .map((row) => (
              <a key={row.name} class={category === row.name ? 'chip on' : 'chip'} href={withQuery(place, { category: row.name })}>
                {row.name} <small>{row.pins}</small>
              </a>
            ))}
        </nav>
      )}
      {first.kind === 'failed' && <Failure error={first.error} retry={first.retry} />}
      {first.kind === 'loading' && pins.length === 0 && <Skeleton count={18} />}
      {first.kind === 'there' && pins.length === 0 && (
        <Empty title={words || category ? 'Nothing matches' : 'No pins yet'}>
          {words || category ? (
            <button type="button" onClick={() => go('/')}>
              Show everything
            </button>
          ) : (
            'Import a catalogue with related-pins import-catalog, or start npm run demo.'
          )}
        </Empty>
      )}
      <Masonry onEnd={cursor ? loadMore : null}>
        {pins.map((pin) => (
          <PinCard key={pin.id} pinId={pin.id} title={pin.title} href={`/pin/${encodeURIComponent(pin.id)}`} />
        ))}
      </Masonry>
    </main>
  );
}
