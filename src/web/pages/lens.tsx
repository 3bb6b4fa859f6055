import { useEffect, useState } from 'preact/hooks';
import { asError, call, type Item, type LensReply } from '../api.ts';
import { Cropper } from '../parts/cropper.tsx';
import { Masonry } from '../parts/masonry.tsx';
import { PinCard } from '../parts/pin-card.tsx';
import { SourceBadge } from '../parts/source-badge.tsx';
import { dotName, SeenWords } from '../parts/spoken.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { useTitle } from '../title.ts';

/** A photo in (dropped, pasted or chosen): what it shows, and a blend of look-alikes, meaning-alikes and scenes. */
export function Lens() {
  useTitle('Lens');
  const [photo, setPhoto] = useState<File | null>(null);
  const [preview, setPreview] = useState('');
  const [reply, setReply] = useState<LensReply | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [round, setRound] = useState(0);
  const [over, setOver] = useState(false);
  const [cropping, setCropping] = useState(false);
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith('image/'));
      if (file) setPhoto(file);
    };
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, []);
  useEffect(() => {
    if (!photo) return;
    const address = URL.createObjectURL(photo);
    setPreview(address);
    setReply(null);
    setError(null);
    setCropping(false);
    const stop = new AbortController();
    const body = new FormData();
    body.set('limit', '30');
    body.set('image', photo);
    call<LensReply>('/lens', { method: 'POST', body, signal: stop.signal })
      .then(setReply)
      .catch((failure: unknown) => {
        if (!stop.signal.aborted) setError(asError(failure));
      });
    return () => {
      stop.abort();
      URL.revokeObjectURL(address);
    };
  }, [photo, round]);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) setPhoto(file);
  };
  return (
    <>
      <h1 class="visually-hidden">Search by photo</h1>
      <label
        class={`drop${over ? ' over' : ''}${photo ? ' small' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {preview && <img src={preview} alt="Your photo" />}
        <span>
          <b>{photo ? photo.name : 'Drop a photo here'}</b>
          <small>or paste one, or click to choose; it is searched, not kept</small>
        </span>
        <input
          type="file"
          accept="image/*"
          aria-label="Choose a photo"
          onChange={(event) => setPhoto(event.currentTarget.files?.[0] ?? null)}
        />
      </label>
      {error && <Failure error={error} retry={() => setRound(round + 1)} />}
      {photo && !reply && !error && <Skeleton count={12} />}
      {reply && <Understanding reply={reply} />}
      {reply && photo && (
        <p class="row">
          <button type="button" class={cropping ? 'on' : ''} aria-pressed={cropping} onClick={() => setCropping(!cropping)}>
            {cropping ? 'Back to the blend' : 'Search inside the photo'}
          </button>
        </p>
      )}
      {reply && photo && cropping && (
        <Cropper picture={{ file: photo }} address={preview} objects={dotsOf(reply)} crop="" onCrop={() => undefined} />
      )}
      {reply && reply.items.length === 0 && <Empty title="Nothing found">No source was confident enough for this photo.</Empty>}
      {reply && !cropping && (
        <Masonry>
          {reply.items.map((item) => (
            <PinCard
              key={item.pinId}
              pinId={item.pinId}
              title={item.title}
              href={`/pin/${encodeURIComponent(item.pinId)}`}
              from={{ recommendationId: reply.recommendationId, position: item.position }}
              overlay={<MatchingBox item={item} />}
            >
              <SourceBadge name={item.source ?? ''} />
            </PinCard>
          ))}
        </Masonry>
      )}
    </>
  );
}

function dotsOf({ understanding }: LensReply) {
  return (understanding.objects ?? []).map((object) => ({ ...object, shown: true, dominant: false }));
}

/** Where in a scene the object is that the photo's object was found alike. */
function MatchingBox({ item: { box, extent } }: { item: Item }) {
  if (!box || !extent) return null;
  const [x1, y1, x2, y2] = [box[0] / extent[0], box[1] / extent[1], box[2] / extent[0], box[3] / extent[1]].map((side) => side * 100);
  return <span class="match-box" style={{ left: `${x1}%`, top: `${y1}%`, width: `${x2 - x1}%`, height: `${y2 - y1}%` }} />;
}

function Understanding({ reply }: { reply: LensReply }) {
  const { understanding, blend } = reply;
  const { words = [] } = understanding;
  const category = typeof understanding.category === 'string' ? understanding.category : understanding.category?.name;
  return (
    <section class="understanding" aria-label="What the photo shows">
      <div class="row wrap">
        {category && <span class="chip on">{category}</span>}
        {understanding.picture && <span class="badge">{understanding.picture}</span>}
        {(understanding.colours ?? []).map((colour, index) => {
          const hex = typeof colour === 'string' ? colour : colour.hex;
          return <span key={index} class="swatch" style={{ background: hex }} title={hex} />;
        })}
        {(understanding.objects ?? []).filter(dotName).map((object, index) => (
          <span class="badge" key={index}>
            {object.label}
          </span>
        ))}
        <SeenWords words={words} />
        {(understanding.annotations ?? [])
          .filter(({ term }) => !words.some(({ word }) => word === term))
          .slice(0, 8)
          .map(({ term }) => (
            <a class="term-chip" key={term} href={`/?q=${encodeURIComponent(term)}`}>
              {term}
            </a>
          ))}
      </div>
      <div class="blend">
        {blend.map((row) => (
          <div key={row.source} class={row.ratio > 0 ? '' : 'silent'} title={row.reason}>
            <SourceBadge name={row.source} />
            <meter min={0} max={1} value={row.ratio} />
            <b>{(100 * row.ratio).toFixed(0)} %</b>
            <small>{row.reason}</small>
          </div>
        ))}
      </div>
    </section>
  );
}
