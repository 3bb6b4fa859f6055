import { useEffect, useState } from 'preact/hooks';
import { asError, call, type LensReply, type PinsPage, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Cropper } from '../parts/cropper.tsx';
import { Masonry } from '../parts/masonry.tsx';
import { MatchBox } from '../parts/match-box.tsx';
import { PinCard } from '../parts/pin-card.tsx';
import { PinImage } from '../parts/pin-image.tsx';
import { SourceBadge } from '../parts/source-badge.tsx';
import { dotName, SeenWords } from '../parts/spoken.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { go, type Place } from '../router.ts';
import { useTitle } from '../title.ts';
import { counted } from '../words.ts';

/** The picture that is asked about: a file of the visitor, a picture on the web, or that of a pin. */
type Query = { readonly file: File } | { readonly imageUrl: string } | { readonly pinId: string };

const LIMIT = 30;
const EXAMPLES = 3;

/** A photo in (dropped, pasted, chosen, by its address): what it shows, and a blend of look-alikes, meaning-alikes and scenes. */
export function Lens({ place }: { place: Place }) {
  useTitle('Lens');
  const [file, setFile] = useState<File | null>(null);
  const [asked, imageUrl] = [place.query.get('pin'), place.query.get('url')];
  const query: Query | null = file ? { file } : asked ? { pinId: asked } : imageUrl ? { imageUrl } : null;
  const take = (photo: File): void => {
    setFile(photo);
    go('/lens', true);
  };
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const photo = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith('image/'));
      if (photo) take(photo);
    };
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, []);
  const ask = (address: string): void => {
    setFile(null);
    go(address);
  };
  return (
    <>
      {query === null ? (
        <header class="lens-head">
          <h1>Search with a picture</h1>
          <p>
            Show a photo and see what looks like it, what means the same, and rooms or scenes that hold the thing in it. The photo is
            searched, not kept.
          </p>
        </header>
      ) : (
        <h1 class="visually-hidden">Search with a picture</h1>
      )}
      <Opening query={query} onPhoto={take} onLink={(address) => ask(`/lens?url=${encodeURIComponent(address)}`)} />
      {query === null ? <Examples onPick={(pinId) => ask(`/lens?pin=${encodeURIComponent(pinId)}`)} /> : <Answer query={query} />}
    </>
  );
}

/** The ways in: drop, paste, choose, take a photo, or give an address. */
function Opening({ query, onPhoto, onLink }: { query: Query | null; onPhoto: (photo: File) => void; onLink: (address: string) => void }) {
  const [over, setOver] = useState(false);
  const preview = usePreview(query);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) onPhoto(file);
  };
  const choose = (event: { currentTarget: HTMLInputElement }): void => {
    const file = event.currentTarget.files?.[0];
    if (file) onPhoto(file);
  };
  return (
    <div class="lens-ways">
      <label
        class={`drop${over ? ' over' : ''}${query ? ' small' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {query && 'pinId' in query ? (
          <PinImage pinId={query.pinId} widthPx={320} alt="The picture that is searched with" />
        ) : (
          preview && <img src={preview} alt="Your photo" />
        )}
        <span>
          <b>{query === null ? 'Drop a photo here' : nameOf(query)}</b>
          <small>or paste one, or click to choose {query === null ? 'one' : 'another'}</small>
        </span>
        <input type="file" accept="image/*" aria-label="Choose a photo" onChange={choose} />
      </label>
      <div class="row wrap lens-more">
        <label class="button camera">
          Take a photo
          <input type="file" accept="image/*" capture="environment" aria-label="Take a photo" onChange={choose} />
        </label>
        <LinkForm onLink={onLink} />
      </div>
    </div>
  );
}

function LinkForm({ onLink }: { onLink: (address: string) => void }) {
  const [link, setLink] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (link.trim()) onLink(link.trim());
      }}
    >
      <input
        type="url"
        aria-label="Address of a picture"
        placeholder="https:// address of a picture"
        value={link}
        onInput={(event) => setLink(event.currentTarget.value)}
      />
      <button type="submit">Search</button>
    </form>
  );
}

function nameOf(query: Query): string {
  if ('file' in query) return query.file.name;
  return 'imageUrl' in query ? query.imageUrl : 'A picture of this catalog';
}

/** The address under which the page shows the visitor's file; empty without one. */
function usePreview(query: Query | null): string {
  const file = query && 'file' in query ? query.file : null;
  const [preview, setPreview] = useState('');
  useEffect(() => {
    if (!file) return setPreview('');
    const address = URL.createObjectURL(file);
    setPreview(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);
  return preview;
}

/** Pictures of the catalog to try it with. */
function Examples({ onPick }: { onPick: (pinId: string) => void }) {
  const page = useLoaded('examples', (signal) => call<PinsPage>('/pins?order=mixed&distinct=true&limit=24', { signal }));
  if (page.kind !== 'there') return null;
  const pins = page.value.pins.filter(({ hasImage }) => hasImage).slice(0, EXAMPLES);
  if (pins.length === 0) return null;
  return (
    <section class="lens-examples" aria-label="Examples">
      <h2>Or try one of these</h2>
      <div class="row wrap">
        {pins.map(({ id, title }) => (
          <button type="button" key={id} onClick={() => onPick(id)} aria-label={`Search with ${title || `pin ${id}`}`}>
            <PinImage pinId={id} widthPx={320} alt={title || `pin ${id}`} />
          </button>
        ))}
      </div>
    </section>
  );
}

function askLens(query: Query, signal: AbortSignal): Promise<LensReply> {
  if (!('file' in query)) return post<LensReply>('/lens', { ...query, limit: LIMIT }, signal);
  const body = new FormData();
  body.set('limit', String(LIMIT));
  body.set('image', query.file);
  return call<LensReply>('/lens', { method: 'POST', body, signal });
}

function Answer({ query }: { query: Query }) {
  const [reply, setReply] = useState<LensReply | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [round, setRound] = useState(0);
  const [cropping, setCropping] = useState(false);
  const [onlyScenes, setOnlyScenes] = useState(false);
  const preview = usePreview(query);
  const [subject] = Object.values(query) as [string | File];
  useEffect(() => {
    setReply(null);
    setError(null);
    setCropping(false);
    setOnlyScenes(false);
    const stop = new AbortController();
    askLens(query, stop.signal)
      .then(setReply)
      .catch((failure: unknown) => stop.signal.aborted || setError(asError(failure)));
    return () => stop.abort();
  }, [subject, round]);
  if (error) return <Failure error={error} retry={() => setRound(round + 1)} />;
  if (!reply) return <Skeleton count={12} />;
  const scenes = reply.items.filter(({ source }) => source === 'object-search');
  return (
    <>
      <Understanding reply={reply} />
      <p class="row wrap">
        {!('imageUrl' in query) && (
          <button type="button" class={cropping ? 'on' : ''} aria-pressed={cropping} onClick={() => setCropping(!cropping)}>
            {cropping ? 'Back to the blend' : 'Search inside the photo'}
          </button>
        )}
        {scenes.length > 0 && !cropping && (
          <button
            type="button"
            class={`chip${onlyScenes ? ' on' : ''}`}
            aria-pressed={onlyScenes}
            onClick={() => setOnlyScenes(!onlyScenes)}
          >
            Rooms and scenes with this <small>{scenes.length}</small>
          </button>
        )}
      </p>
      {cropping && !('imageUrl' in query) ? (
        <Cropper
          picture={'file' in query ? { file: query.file } : { pinId: query.pinId }}
          address={preview}
          objects={dotsOf(reply)}
          crop=""
          onCrop={() => undefined}
        />
      ) : (
        <Found reply={reply} items={onlyScenes ? scenes : reply.items} />
      )}
    </>
  );
}

function Found({ reply, items }: { reply: LensReply; items: LensReply['items'] }) {
  if (items.length === 0) return <Empty title="Nothing found">No source was confident enough for this photo.</Empty>;
  return (
    <>
      <p class="visually-hidden" role="status">
        {counted(items.length, 'pin')} found
      </p>
      <Masonry>
        {items.map((item) => (
          <PinCard
            key={item.pinId}
            pinId={item.pinId}
            title={item.title}
            href={`/pin/${encodeURIComponent(item.pinId)}`}
            from={{ recommendationId: reply.recommendationId, position: item.position }}
            pictured={item.box && item.extent && <MatchBox box={item.box} extent={item.extent} />}
          >
            <SourceBadge name={item.source ?? ''} />
          </PinCard>
        ))}
      </Masonry>
    </>
  );
}

function dotsOf({ understanding }: LensReply) {
  return (understanding.objects ?? []).map((object) => ({ ...object, shown: true, dominant: false }));
}

function Understanding({ reply }: { reply: LensReply }) {
  const { understanding, blend } = reply;
  const { words = [], category } = understanding;
  const terms = (understanding.annotations ?? []).filter(({ term }) => !words.some(({ word }) => word === term));
  return (
    <section class="understanding" aria-label="What the photo shows">
      <div class="row wrap">
        {category && <span class="chip on">{category.name}</span>}
        {(understanding.colours ?? []).map(({ hex }) => (
          <span key={hex} class="swatch" style={{ background: hex }} title={hex} />
        ))}
        {(understanding.objects ?? []).filter(dotName).map((object, index) => (
          <span class="badge" key={index}>
            {dotName(object)}
          </span>
        ))}
        <SeenWords words={words} />
        {terms.slice(0, 8).map(({ term }) => (
          <a class="term-chip" key={term} href={`/?q=${encodeURIComponent(term)}`}>
            {term}
          </a>
        ))}
      </div>
      <details>
        <summary>where the results come from</summary>
        <div class="blend">
          {blend.map((row) => (
            <div key={row.source} class={row.ratio > 0 ? '' : 'silent'} title={row.reason}>
              <SourceBadge name={row.source} />
              <meter min={0} max={1} value={row.ratio} aria-label={`Share of ${row.source}`} />
              <b>{(100 * row.ratio).toFixed(0)} %</b>
              <small>{row.reason}</small>
            </div>
          ))}
        </div>
      </details>
    </section>
  );
}
