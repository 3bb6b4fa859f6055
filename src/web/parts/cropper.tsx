import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Box, imageAddress, type ListReply, type PinObject, post } from '../api.ts';
import { go, type Place, withQuery } from '../router.ts';
import { Masonry } from './masonry.tsx';
import { PinCard } from './pin-card.tsx';
import { SourceBadge } from './source-badge.tsx';
import { Empty, Failure, Skeleton } from './states.tsx';

/** A box in fractions of the image: left, top, right, bottom. */
type Fractions = readonly [number, number, number, number];

interface SearchReply extends ListReply {
  readonly annotations: readonly { readonly term: string; readonly weight: number }[];
  readonly colours?: readonly (string | { readonly hex: string })[];
}

const WHOLE: Fractions = [0.2, 0.2, 0.8, 0.8];
const SMALLEST = 0.04;
const REFRESH_MS = 180;
const STEP = 0.02;

type Grip = 'move' | 'nw' | 'ne' | 'sw' | 'se';

/** Search inside a picture: the box is dragged, resized or stepped by keys; results and terms follow it. */
export function Cropper({
  pinId,
  place,
  objects,
}: {
  pinId: string;
  place: Place;
  objects: readonly PinObject[] & { width?: number | undefined; height?: number | undefined };
}) {
  const [natural, setNatural] = useState<readonly [number, number] | null>(null);
  const extent = objects.width && objects.height ? ([objects.width, objects.height] as const) : natural;
  const [box, setBox] = useState<Fractions | null>(null);
  const [terms, setTerms] = useState<readonly string[]>([]);
  const frame = useRef<HTMLDivElement>(null);
  const asked = place.query.get('crop') ?? '';
  useEffect(() => {
    if (extent) setBox(readBox(asked, extent) ?? WHOLE);
  }, [asked, extent?.[0], extent?.[1]]);
  const search = useSearch(pinId, box);
  const settle = (next: Fractions): void => {
    if (!extent) return;
    const pixels = [next[0] * extent[0], next[1] * extent[1], next[2] * extent[0], next[3] * extent[1]].map(Math.round);
    go(withQuery(place, { crop: pixels.join(',') }), true);
  };
  const grab = useGrab(frame, box, setBox, settle);
  const keys = (event: KeyboardEvent): void => {
    const next = box && stepBox(box, event);
    if (!next) return;
    event.preventDefault();
    setBox(next);
    settle(next);
  };
  const shown = objects.filter((object) => object.shown);
  return (
    <div class="cropper">
      <div class="stage" ref={frame}>
        <img
          src={imageAddress(pinId, 736)}
          alt=""
          draggable={false}
          onLoad={(event) => setNatural([event.currentTarget.naturalWidth, event.currentTarget.naturalHeight])}
        />
        {extent &&
          shown.map((object, index) => (
            <button
              type="button"
              key={index}
              class="dot"
              style={centre(object.box, extent)}
              title={object.label}
              aria-label={`Search this ${object.label}`}
              onClick={() => settle(toFractions(object.box, extent))}
            >
              <span>{object.label}</span>
            </button>
          ))}
        {box && (
          <div
            class="crop"
            role="group"
            aria-label="Crop box. Arrow keys move it, with shift they resize it."
            tabIndex={0}
            style={{
              left: `${box[0] * 100}%`,
              top: `${box[1] * 100}%`,
              width: `${(box[2] - box[0]) * 100}%`,
              height: `${(box[3] - box[1]) * 100}%`,
            }}
            onKeyDown={keys}
            onPointerDown={(event) => grab(event, 'move')}
          >
            {(['nw', 'ne', 'sw', 'se'] as const).map((corner) => (
              <span key={corner} class={`grip ${corner}`} onPointerDown={(event) => grab(event, corner)} />
            ))}
          </div>
        )}
      </div>
      <SearchResults search={search} terms={terms} onTerms={setTerms} />
    </div>
  );
}

function SearchResults({
  search,
  terms,
  onTerms,
}: {
  search: ReturnType<typeof useSearch>;
  terms: readonly string[];
  onTerms: (terms: readonly string[]) => void;
}) {
  const { reply, error, busy } = search;
  if (error) return <Failure error={error} />;
  if (!reply) return <Skeleton count={8} />;
  const toggle = (term: string): void =>
    onTerms(terms.includes(term) ? terms.filter((known) => known !== term) : [...terms, term]);
  const kept =
    terms.length === 0
      ? reply.items
      : reply.items.filter((item) =>
          terms.every((term) => (item.title ?? '').toLowerCase().includes(term.toLowerCase())),
        );
  return (
    <div class={`results${busy ? ' busy' : ''}`} aria-live="polite">
      <div class="row wrap">
        {(reply.colours ?? []).map((colour, index) => {
          const hex = typeof colour === 'string' ? colour : colour.hex;
          return <span key={index} class="swatch" style={{ background: hex }} title={hex} />;
        })}
        {reply.annotations.slice(0, 14).map(({ term, weight }) => (
          <button
            type="button"
            key={term}
            class={`term-chip${terms.includes(term) ? ' on' : ''}`}
            title={`weight ${weight.toFixed(3)}`}
            onClick={() => toggle(term)}
          >
            {term}
          </button>
        ))}
      </div>
      {kept.length === 0 && <Empty title="Nothing like this">Try a larger box, or fewer terms.</Empty>}
      <Masonry minColumnPx={150}>
        {kept.map((item) => (
          <PinCard
            key={item.pinId}
            pinId={item.pinId}
            title={item.title}
            href={`/pin/${encodeURIComponent(item.pinId)}`}
          >
            {item.sources.map((source) => (
              <SourceBadge key={source.name} name={source.name} score={source.score} />
            ))}
            {item.distance !== undefined && <small>distance {item.distance.toFixed(item.distance < 1 ? 3 : 0)}</small>}
          </PinCard>
        ))}
      </Masonry>
    </div>
  );
}

/** Debounced search: a newer box aborts the older question, so a stale reply never replaces a newer one. */
function useSearch(pinId: string, box: Fractions | null) {
  const [reply, setReply] = useState<SearchReply | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const key = box ? box.map((side) => side.toFixed(3)).join(',') : '';
  useEffect(() => {
    if (!box) return;
    const stop = new AbortController();
    setBusy(true);
    const timer = setTimeout(() => {
      post<SearchReply>('/visual-search', { pinId, box, boxUnit: 'fractions', limit: 24 }, stop.signal)
        .then((value) => {
          setReply(value);
          setError(null);
          setBusy(false);
        })
        .catch((failure: unknown) => {
          if (stop.signal.aborted) return;
          setError(failure instanceof Error ? failure : new Error(String(failure)));
          setBusy(false);
        });
    }, REFRESH_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [pinId, key]);
  return useMemo(() => ({ reply, error, busy }), [reply, error, busy]);
}

function useGrab(
  frame: { current: HTMLDivElement | null },
  box: Fractions | null,
  setBox: (box: Fractions) => void,
  settle: (box: Fractions) => void,
) {
  return (event: PointerEvent, grip: Grip): void => {
    if (!box || !frame.current) return;
    event.preventDefault();
    event.stopPropagation();
    const area = frame.current.getBoundingClientRect();
    const start = [event.clientX, event.clientY];
    let latest = box;
    const move = (moved: PointerEvent): void => {
      const dx = (moved.clientX - start[0]) / area.width;
      const dy = (moved.clientY - start[1]) / area.height;
      latest = dragBox(box, grip, dx, dy);
      setBox(latest);
    };
    const end = (): void => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', end);
      removeEventListener('pointercancel', end);
      settle(latest);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  };
}

function dragBox(box: Fractions, grip: Grip, dx: number, dy: number): Fractions {
  const within = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
  let [x1, y1, x2, y2] = box;
  if (grip === 'move') {
    const mx = within(dx, -x1, 1 - x2);
    const my = within(dy, -y1, 1 - y2);
    return [x1 + mx, y1 + my, x2 + mx, y2 + my];
  }
  if (grip.endsWith('w')) x1 = within(x1 + dx, 0, x2 - SMALLEST);
  else x2 = within(x2 + dx, x1 + SMALLEST, 1);
  if (grip.startsWith('n')) y1 = within(y1 + dy, 0, y2 - SMALLEST);
  else y2 = within(y2 + dy, y1 + SMALLEST, 1);
  return [x1, y1, x2, y2];
}

function stepBox(box: Fractions, event: KeyboardEvent): Fractions | null {
  const steps: Record<string, readonly [number, number]> = {
    ArrowLeft: [-STEP, 0],
    ArrowRight: [STEP, 0],
    ArrowUp: [0, -STEP],
    ArrowDown: [0, STEP],
  };
  const step = steps[event.key];
  return step ? dragBox(box, event.shiftKey ? 'se' : 'move', step[0], step[1]) : null;
}

function toFractions(box: Box, extent: readonly [number, number]): Fractions {
  return [box[0] / extent[0], box[1] / extent[1], box[2] / extent[0], box[3] / extent[1]];
}

function centre(box: Box, extent: readonly [number, number]) {
  return { left: `${(50 * (box[0] + box[2])) / extent[0]}%`, top: `${(50 * (box[1] + box[3])) / extent[1]}%` };
}

function readBox(text: string, extent: readonly [number, number]): Fractions | null {
  const sides = text.split(',').map(Number);
  if (sides.length !== 4 || sides.some((side) => !Number.isFinite(side))) return null;
  return toFractions(sides as unknown as Box, extent);
}
