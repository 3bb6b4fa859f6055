import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import { DropZone } from '../parts/drop-zone.tsx';
import { MarkChips, markFilter } from '../parts/marks.tsx';
import { PagedPins } from '../parts/paged-pins.tsx';
import { Empty } from '../parts/states.tsx';
import { go, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';

/** All pins: by category, by words, by marks in their pictures, page after page as one scrolls. */
export function Browse({ place }: { place: Place }) {
  const category = place.query.get('category') ?? '';
  const words = place.query.get('q') ?? '';
  const mark = place.query.get('mark');
  const heading = [category || 'All pins', ...(mark ? [`with the mark ${mark}`] : []), ...(words ? [`"${words}"`] : [])].join(', ');
  useTitle(heading);
  const newest = place.query.get('order') === 'newest';
  const order = newest || words ? '' : '&order=mixed';
  const address = `/pins?distinct=true&limit=60${order}${category ? `&category=${encodeURIComponent(category)}` : ''}${words ? `&q=${encodeURIComponent(words)}` : ''}${mark ? `&filter=${encodeURIComponent(markFilter(mark))}` : ''}`;
  const categories = useLoaded('categories', (signal) =>
    call<{ categories: readonly { name: string; pins: number }[] }>('/categories', { signal }),
  );
  return (
    <>
      <h1 class="visually-hidden">{heading}</h1>
      {categories.kind === 'there' && categories.value.categories.length > 0 && (
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
      <MarkChips chosen={mark} onChoose={(label) => go(withQuery(place, { mark: label }))} />
      {!words && (
        <p class="order">
          {newest ? 'Newest first' : 'A mix of all boards'} ·{' '}
          <a href={withQuery(place, { order: newest ? null : 'newest' })}>{newest ? 'mix them' : 'newest first'}</a>
        </p>
      )}
      <PagedPins key={address} address={address} none={<NoPins filtered={words !== '' || category !== '' || mark !== null} />} />
    </>
  );
}

function NoPins({ filtered }: { filtered: boolean }) {
  if (!filtered) return <DropZone />;
  return (
    <Empty title="Nothing matches">
      <button type="button" onClick={() => go('/')}>
        Show everything
      </button>
    </Empty>
  );
}
