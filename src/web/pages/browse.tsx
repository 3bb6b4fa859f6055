import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asError, call, type PinSummary } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Masonry } from '../parts/masonry.tsx';
import { PinCard } from '../parts/pin-card.tsx';
import { Empty, Failure, MoreFailed, Skeleton } from '../parts/states.tsx';
import { go, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';

interface PinPage {
  readonly pins: readonly PinSummary[];
  readonly nextCursor: string | null;
}

/** All pins: by category, by words, page after page as one scrolls. */
export function Browse({ place }: { place: Place }) {
  const category = place.query.get('category') ?? '';
  const words = place.query.get('q') ?? '';
  const heading = [category || 'All pins', ...(words ? [`"${words}"`] : [])].join(', ');
  useTitle(heading);
  const address = `/pins?distinct=true&limit=60${category ? `&category=${encodeURIComponent(category)}` : ''}${words ? `&q=${encodeURIComponent(words)}` : ''}`;
  const categories = useLoaded('categories', (signal) =>
    call<{ categories: readonly { name: string; pins: number }[] }>('/categories', { signal }),
  );
  return (
    <>
      <h1 class="visually-hidden">{heading}</h1>
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
      <Pins key={address} address={address} filtered={words !== '' || category !== ''} />
    </>
  );
}

/** The pins at one address. Another address is another component, so that no late page of the one ends up in the other. */
function Pins({ address, filtered }: { address: string; filtered: boolean }) {
  const first = useLoaded(address, (signal) => call<PinPage>(address, { signal }));
  const [later, setLater] = useState<readonly PinPage[]>([]);
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const pages = first.kind === 'there' ? [first.value, ...later] : [];
  const pins = pages.flatMap((page) => page.pins);
  const cursor = pages.at(-1)?.nextCursor ?? null;
  const loadMore = useCallback(() => {
    if (!cursor || asking) return;
    const { signal } = stop.current;
    setAsking(true);
    setError(null);
    call<PinPage>(`${address}&cursor=${encodeURIComponent(cursor)}`, { signal })
      .then((page) => signal.aborted || setLater((known) => [...known, page]))
      .catch((failure: unknown) => signal.aborted || setError(asError(failure)))
      .finally(() => signal.aborted || setAsking(false));
  }, [cursor, asking, address]);
  if (first.kind === 'failed') return <Failure error={first.error} retry={first.retry} />;
  if (first.kind === 'loading') return <Skeleton count={18} />;
  if (pins.length === 0) return <NoPins filtered={filtered} />;
  return (
    <>
      <Masonry onEnd={cursor && !error ? loadMore : null}>
        {pins.map((pin) => (
          <PinCard key={pin.id} pinId={pin.id} title={pin.title} href={`/pin/${encodeURIComponent(pin.id)}`} />
        ))}
      </Masonry>
      {error && <MoreFailed error={error} retry={loadMore} />}
    </>
  );
}

function NoPins({ filtered }: { filtered: boolean }) {
  if (!filtered) return <Empty title="No pins yet">Import a catalogue with related-pins import-catalog, or start npm run demo.</Empty>;
  return (
    <Empty title="Nothing matches">
      <button type="button" onClick={() => go('/')}>
        Show everything
      </button>
    </Empty>
  );
}
